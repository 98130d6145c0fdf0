import { join } from 'node:path';
import { alignTokens } from '../core/alignment.ts';
import { compareSpans, divergenceInParts, textTotals, type ComparedText } from '../core/comparison.ts';
import { at } from '../core/tensor.ts';
import type { Token } from '../core/trace.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { logitsAt, rowsDivergence, vocabularyKey } from '../analysis/comparisonAnswers.ts';
import { predict } from '../analysis/predictions.ts';
import { lastResidual } from '../analysis/traceRows.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { openTextModel, readInput, runtimeOf, type Note, type TextModel } from './input.ts';
import type { CompareOptions } from './options.ts';
import { readRecipe, recipeMember, runWith, type RecipeOption } from './recipeOption.ts';
import { omission, roomNow } from './room.ts';
import { openOutput, type Output } from './output.ts';

/** One side of a comparison: a text and a model's forward pass over it. */
interface Side extends TextModel, ComparedText {
  readonly trace: Trace;
}

/** Compares two texts read by one model, or one text read by two models, and writes the result as JSON. Throws UserError or UsageError. */
export async function compare(options: CompareOptions, distFolder: string, note: Note): Promise<void> {
  const recipe = await readRecipe(options);
  const text = await readInput(options.input, note);
  const otherText = options.with.kind === 'text' ? await readInput(options.with.input, note, '--with-file') : text;
  const runtime = runtimeOf(options, distFolder);
  const own = await openTextModel(options.model ?? join(distFolder, '..', BUNDLED_MODEL), runtime, note);
  const other = options.with.kind === 'model' ? await openTextModel(options.with.model, runtime, note) : own;
  const output = await openOutput(options.output);
  try {
    const a = await read(own, text, options.chat, recipe, note);
    const b = await read(other, otherText, options.chat, recipe, note);
    const sameVocabulary = own === other || vocabularyKey(own) === vocabularyKey(other);
    await write(output, options.with.kind, a, b, sameVocabulary, recipe);
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

async function read({ model, tokenizer }: TextModel, text: string, chat: boolean, recipe: RecipeOption, note: Note): Promise<Side> {
  const room = await roomNow(model);
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, room.tokens);
  const omitted = omission(model, room, { tokens: tokenized.tokens.length, read: length, length: text.length });
  if (omitted !== null) await note(omitted.sentence);
  recipe.check(model, tokenized.ids.length);
  const trace = await runWith(model, tokenized.ids, recipe.recipe);
  const { logprob } = await predict(model, lastResidual(trace), tokenized.ids, 1, () => undefined);
  return { model, tokenizer, tokens: tokenized.tokens, logprob, trace };
}

/** Writes the totals and one line per aligned row. Undefined numbers are null. */
async function write(
  output: Output,
  kind: 'text' | 'model',
  a: Side,
  b: Side,
  sameVocabulary: boolean,
  recipe: RecipeOption,
): Promise<void> {
  const spans = alignTokens(a.tokens, b.tokens, sameVocabulary);
  const divergence = sameVocabulary
    ? await divergenceInParts(spans, a.tokens, b.tokens, async (p, q) =>
        rowsDivergence(await logitsAt(a.model, a.trace, p), await logitsAt(b.model, b.trace, q)),
      )
    : null;
  const head = { kind, sides: [a, b].map(describe), sameVocabulary, finalKl: divergence === null ? null : divergence.final };
  const rows = compareSpans(spans, a, b).map(({ aStart, aEnd, bStart, bEnd, same, aBits, bBits, difference }, index) =>
    JSON.stringify({
      a: a.tokens.slice(aStart, aEnd).map((token) => tokenJson(token, a.logprob)),
      b: b.tokens.slice(bStart, bEnd).map((token) => tokenJson(token, b.logprob)),
      same,
      aBits: finite(aBits),
      bBits: finite(bBits),
      difference: finite(difference),
      kl: divergence === null ? null : finite(at(divergence.spans, index)),
    }),
  );
  await output.write(`${JSON.stringify(head).slice(0, -1)}${recipeMember(recipe)},\n"rows":[\n${rows.join(',\n')}\n]}\n`);
}

function describe({ model, tokens, logprob }: Side): object {
  const { name, family, layers, heads, dim, vocab, runtime } = model.info;
  const { predicted, bytes, bits, bitsPerToken, bitsPerByte } = textTotals({ tokens, logprob });
  return {
    model: { name, family, layers, heads, dim, vocab, runtime },
    tokens: tokens.length,
    predicted,
    bytes,
    bits,
    bitsPerToken: finite(bitsPerToken),
    bitsPerByte: finite(bitsPerByte),
  };
}

function tokenJson({ index, id, text, start, end, special }: Token, logprob: Float32Array): object {
  return { index, id, text, start, end, special, logprob: finite(at(logprob, index)) };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
