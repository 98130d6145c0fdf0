import { asArray, asObject, asString, refuse } from './json.ts';
import { prepend, replaceCharacter, type Run } from './run.ts';

export type Normalizer = (run: Run) => Run;

/** Steps of the `normalizer` entry, in order. Only those after which every character's source bytes are known. */
export function readNormalizer(json: unknown): Normalizer[] {
  if (json === undefined || json === null) return [];
  const entry = asObject(json, 'the normalizer');
  switch (entry['type']) {
    case 'Sequence':
      return asArray(entry['normalizers'], 'the list of normalizers').flatMap(readNormalizer);
    case 'Prepend': {
      const added = asString(entry['prepend'], 'the text of the normalizer Prepend');
      return [(run) => (run.text === '' ? run : prepend(run, added))];
    }
    case 'Replace': {
      const from = asString(asObject(entry['pattern'], 'the pattern of the normalizer Replace')['String'], 'the pattern of the normalizer Replace');
      const to = asString(entry['content'], 'the content of the normalizer Replace');
      if (from.length !== 1 || to.length !== 1) refuse('a normalizer Replace of more than one character is not supported.');
      return [(run) => replaceCharacter(run, from, to)];
    }
    default:
      return refuse(`the normalizer ${String(entry['type'])} is not supported.`);
  }
}
