import { UserError } from '../core/errors.ts';
import { meansOfSums, thumbnails } from '../core/headReading.ts';
import { surprisalBits } from '../core/probability.ts';
import {
  randomTokens,
  REPEATED_SCORES,
  REPEATED_SEQUENCES,
  REPEATED_TOKENS,
  repeatedReading,
  type RepeatedHeads,
} from '../core/repeatedTokens.ts';
import { runOf, withoutPositions } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import { hasAttention } from '../core/recurrence.ts';
import { isRecord } from '../core/records.ts';
import { checkIndex, type Answers, type OpenModel } from './answering.ts';
import { thumbnailSide } from './headAnswers.ts';
import { predict } from './predictions.ts';
import { lastResidual } from './traceRows.ts';

/** Scores of every head on a random sequence repeated twice; this question needs no text of the user's. */
export const repeatedHeadAnswers: Pick<Answers, 'repeatedHeads'> = {
  repeatedHeads: async ({ open, progress, checkpoint }, { recipe }, { sequence }): Promise<RepeatedHeads> => {
    checkIndex('sequence', sequence, REPEATED_SEQUENCES);
    const { info } = open.model;
    const start = firstToken(open);
    const begins = start === null ? 0 : 1;
    const tokens = Math.min(REPEATED_TOKENS, Math.floor((info.contextLength - begins) / 2));
    const random = tokens < 2 ? undefined : randomTokens(sequence, tokens, info.vocab, (id) => isOrdinary(open, id));
    if (random === undefined) throw new UserError(msg`The model's vocabulary or context is too small for random tokens given twice.`);
    const ids = Int32Array.from([...(start === null ? [] : [start]), ...random, ...random]);
    // The cache is for the user's texts; this trace is not worth evicting one of them.
    const trace = await open.model.run(runOf(ids, withoutPositions(recipe)), progress);
    const { logprob } = await predict(open.model, lastResidual(trace), ids, 1, progress);
    // Only one picture per head is shown, that of the first sequence.
    const size = sequence === 0 ? thumbnailSide(info, ids.length) : 0;
    const reading = repeatedReading(begins, tokens, Math.max(1, size));
    // Of layers without attention weights there are none.
    const scores = new Float32Array(info.layers * info.heads * REPEATED_SCORES.length).fill(Number.NaN);
    const pictures = new Uint8Array(info.layers * info.heads * size * size);
    for (let layer = 0; layer < info.layers; layer++) {
      if (!hasAttention(info, layer)) continue;
      const read = await open.model.readHeads(trace, layer, reading);
      scores.set(meansOfSums(reading, read), layer * info.heads * REPEATED_SCORES.length);
      if (size > 0) pictures.set(thumbnails(read), layer * info.heads * size * size);
      await checkpoint();
    }
    const meanBits = (from: number, to: number): number => {
      let sum = 0;
      for (let token = from; token < to; token++) sum += surprisalBits(at(logprob, token));
      return sum / (to - from);
    };
    return {
      sequence,
      tokens,
      begins: begins === 1,
      scores,
      firstBits: meanBits(1, begins + tokens),
      secondBits: meanBits(begins + tokens, ids.length),
      thumbnailSize: size,
      thumbnails: pictures,
    };
  },
};

/** The id that the tokenizer puts before every text, else the `bos_token_id` of config.json; null where there is neither. */
export function firstToken({ model, tokenizer }: OpenModel): number | null {
  const { tokens } = tokenizer.encode('a');
  const [first] = tokens;
  if (first?.special === true) return first.id;
  const named = isRecord(model.config) ? model.config['bos_token_id'] : undefined;
  return typeof named === 'number' && Number.isInteger(named) && named >= 0 && named < model.info.vocab ? named : null;
}

/** Whether an id stands for text. Ids without a token have no piece, and special tokens decode to nothing. */
function isOrdinary({ tokenizer }: OpenModel, id: number): boolean {
  return tokenizer.piece(id) !== '' && tokenizer.textOf(Int32Array.of(id)) !== '';
}
