import { msg } from '../../core/translatable.ts';
import { addedTokenSplitter, type AddedToken } from './addedTokens.ts';
import { asObject, kindName, refuse, type Json } from './tokenizerJson.ts';
import { readBpe } from './bpe.ts';
import { readNormalizer } from './normalizer.ts';
import { knownWords } from './knownWords.ts';
import { placedPart, type PieceEncoder, type Placed } from './piece.ts';
import { readPreTokenizer } from './preTokenizer.ts';
import { sourceRun, type SourcedText } from './sourcedText.ts';
import { readUnigram } from './unigram.ts';

/** The `model` entry of tokenizer.json. Throws UserError naming the kind that is not supported. */
export function readModel(json: unknown, vocab: number): PieceEncoder {
  const entry = asObject(json, msg`the model`);
  // Files from before 2021 name no type.
  const type = entry['type'] ?? (entry['merges'] === undefined ? 'without a name' : 'BPE');
  if (type === 'BPE') return readBpe(entry, vocab);
  if (type === 'Unigram') return readUnigram(entry, vocab);
  return refuse(msg`a tokenizer of kind ${kindName(type)} is not supported; BPE and Unigram are.`);
}

/** The text's own tokens with their source bytes: added tokens first, then normalizer, pre-tokenizer and model on what lies between. */
export function textEncoder(json: Json, pieces: PieceEncoder, added: readonly AddedToken[]): (text: string) => Placed[] {
  const normalizers = readNormalizer(json['normalizer']);
  const preTokenizers = readPreTokenizer(json['pre_tokenizer']);
  const normalize = (run: SourcedText): SourcedText => normalizers.reduce((current, step) => step(current), run);
  const inSource = addedTokenSplitter(new Map(added.filter((token) => !token.normalized).map((token) => [token.content, token])));
  const inNormalized = addedTokenSplitter(
    new Map(added.filter((token) => token.normalized).map((token) => [normalize(sourceRun(token.content)).text, token])),
  );
  /** Appends the tokens of a run: piece by piece, so that what each step makes is soon free. */
  const encodeRun = preTokenizers.reduceRight<(run: SourcedText, placed: Placed[]) => void>(
    (encodePiece, step) => {
      const encodeWord = knownWords(encodePiece);
      return (run, placed) => {
        for (const piece of step(run)) encodeWord(piece, placed);
      };
    },
    (run, placed) => {
      for (const token of pieces.encode(run)) placed.push(token);
    },
  );
  return (text) => {
    const placed: Placed[] = [];
    for (const section of inSource(sourceRun(text))) {
      if (section.token !== null) {
        placed.push(wholeRun(section.token, section.run));
        continue;
      }
      for (const part of inNormalized(normalize(section.run))) {
        if (part.token !== null) {
          placed.push(wholeRun(part.token, part.run));
          continue;
        }
        if (part.run.text === '') continue;
        encodeRun(part.run, placed);
      }
    }
    return placed;
  };
}

function wholeRun(token: AddedToken, run: SourcedText): Placed {
  return placedPart(token.id, run, 0, run.text.length);
}
