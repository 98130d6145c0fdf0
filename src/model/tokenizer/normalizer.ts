import { msg } from '../../core/translatable.ts';
import { toBytes } from './byteLevel.ts';
import { asFlag, asObject, asString, kindName, refuse, stepsOf, type Json } from './tokenizerJson.ts';
import { normalForm } from './normalForm.ts';
import { patternOf } from './pattern.ts';
import { readPrecompiled } from './precompiled.ts';
import { mapCharacters, prepend, replaceMatches, replaceUnit, sliceRun, type SourcedText } from './sourcedText.ts';
import { ACCENT, characterClass } from './unicode.ts';

/** A step of normalisation. */
export type Normalizer = (run: SourcedText) => SourcedText;

/** Steps of the `normalizer` entry, in order. Every one keeps, for each character, the source bytes it stands for. */
export function readNormalizer(json: unknown): Normalizer[] {
  if (json === undefined || json === null) return [];
  return stepsOf(json, msg`the normalizer`, 'normalizers', msg`the list of normalizers`).flatMap(readStep);
}

function readStep(entry: Json): Normalizer[] {
  const type = entry['type'];
  switch (type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return [normalForm(type)];
    case 'Lowercase':
      return [(run) => mapCharacters(run, (character) => character.toLowerCase())];
    case 'StripAccents':
      return [(run) => mapCharacters(run, (character) => (ACCENT.test(character) ? '' : character))];
    case 'Strip':
      return [strip(asFlag(entry['strip_left'], 'strip_left', false), asFlag(entry['strip_right'], 'strip_right', false))];
    case 'Nmt':
      return [(run) => mapCharacters(run, nmt)];
    case 'Precompiled':
      return [readPrecompiled(entry['precompiled_charsmap'])];
    case 'ByteLevel':
      return [toBytes];
    case 'Prepend': {
      const added = asString(entry['prepend'], msg`the text of the normalizer Prepend`);
      return [(run) => (run.text === '' ? run : prepend(run, added))];
    }
    case 'Replace': {
      const what = msg`the pattern of the normalizer Replace`;
      const from = asObject(entry['pattern'], what)['String'];
      const to = asString(entry['content'], msg`the content of the normalizer Replace`);
      if (typeof from === 'string' && from.length === 1 && to.length === 1) return [(run) => replaceUnit(run, from, to)];
      const pattern = patternOf(entry['pattern'], what);
      return [(run) => replaceMatches(run, pattern, to)];
    }
    default:
      return refuse(msg`the normalizer ${kindName(type)} is not supported.`);
  }
}

function strip(left: boolean, right: boolean): Normalizer {
  return (run) => {
    const start = left ? run.text.search(/\P{White_Space}|$/u) : 0;
    const end = right ? run.text.length - (/\p{White_Space}*$/u.exec(run.text)?.[0].length ?? 0) : run.text.length;
    return sliceRun(run, start, Math.max(start, end));
  };
}

const NMT_DROPPED = new RegExp(`[${characterClass('1-8 b e-1f 7f 8f 9f')}]`, 'u');
const NMT_SPACE = new RegExp(`[${characterClass('9 a c d 1680 200b-200f 2028 2029 2581 feff fffd')}]`, 'u');

/** SentencePiece's rules for machine translation: control characters go, other kinds of white space become a space. */
function nmt(character: string): string {
  if (NMT_DROPPED.test(character)) return '';
  return NMT_SPACE.test(character) ? ' ' : character;
}
