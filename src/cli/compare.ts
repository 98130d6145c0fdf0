import { join } from 'node:path';
import { alignTokens } from '../core/alignment.ts';
import { compareSpans, distributionPairs, divergenceBits, divergenceOf, textTotals, type ComparedText, type Divergence } from '../core/comparison.ts';
import { at, row, type Tensor } from '../core/tensor.ts';
import type { Token } from '../core/trace.ts';
import { openLanguageModel, type LanguageModel, type Trace } from '../model/languageModel.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer.ts';
import type { Runtime } from '../model/runtime.ts';
import { rowsAt, vocabularyHash } from '../worker/comparisonCalls.ts';
import { modelAt } from '../worker/files.node.ts';
import { findNativeRuntime } from '../worker/native.node.ts';
import { lastResidual, predict } from '../worker/predictions.ts';
import { nodeRuntime } from '../worker/runtime.node.ts';
import { BUNDLED_MODEL, readInput, type Note } from './input.ts';
import type { CompareOptions } from './options.ts';
import { openOutput, type Output } from './output.ts';

/** Rows of logits compared at a time. */
const LOGIT_ROWS = 64;

interface OpenModel {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
}

interface Side extends OpenModel, ComparedText {
  readonly trace: Trace;
}

/** Runs the model over two texts, or two models over one, and writes how they differ. Throws UserError or UsageError. */
export async function compare(options: CompareOptions, distFolder: string, note: Note): Promise<void> {
  const text = await readInput(options.input);
  const otherText = options.with.kind === 'text' ? await readInput(options.with.input, '--with-file') : text;
  const runtime = nodeRuntime(distFolder, findNativeRuntime(options.runtime, distFolder));
  const own = await openModel(options.model ?? join(distFolder, '..', BUNDLED_MODEL), runtime);
  const other = options.with.kind === 'model' ? await openModel(options.with.model, runtime) : own;
  const output = await openOutput(options.output);
  try {
    const a = await read(own, text, options.chat, note);
    const b = await read(other, otherText, options.chat, note);
    const sameVocabulary = own === other || vocabularyKey(own) === vocabularyKey(other);
    await write(output, options.with.kind, a, b, sameVocabulary);
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

async function openModel(folder: string, runtime: Runtime): Promise<OpenModel> {
  const files = await modelAt(folder);
  const model = await openLanguageModel(files, runtime);
  return { model, tokenizer: await openTokenizer(files, model.info.vocab) };
}

async function read({ model, tokenizer }: OpenModel, text: string, chat: boolean, note: Note): Promise<Side> {
  const { contextLength, name } = model.info;
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, contextLength);
  if (length < text.length) await note(`${name} reads ${contextLength} tokens at once: the last ${text.length - length} of ${text.length} characters were left out.`);
  const trace = await model.run(tokenized.ids);
  const { logprob } = await predict(model, lastResidual(trace), tokenized.ids, 1, () => undefined);
  return { model, tokenizer, tokens: tokenized.tokens, logprob, trace };
}

/** Writes the totals and one line per aligned row. Numbers that are not defined are null. */
async function write(output: Output, kind: 'text' | 'model', a: Side, b: Side, sameVocabulary: boolean): Promise<void> {
  const spans = alignTokens(a.tokens, b.tokens, sameVocabulary);
  const divergence = sameVocabulary ? await divergenceBetween(spans, a, b) : null;
  const head = { kind, sides: [a, b].map(describe), sameVocabulary, finalKl: divergence === null ? null : divergence.final };
  const rows = compareSpans(spans, a, b).map(({ aStart, aEnd, bStart, bEnd, same, aBits, bBits, difference }, index) =>
    JSON.stringify({
      a: a.tokens.slice(aStart, aEnd).map((token) => tokenJson(token, a.logprob)),
      b: b.tokens.slice(bStart, bEnd).map((token) => tokenJson(token, b.logprob)),
      same, aBits: finite(aBits), bBits: finite(bBits), difference: finite(difference),
      kl: divergence === null ? null : finite(at(divergence.spans, index)),
    }));
  await output.write(`${JSON.stringify(head).slice(0, -1)},\n"rows":[\n${rows.join(',\n')}\n]}\n`);
}

async function divergenceBetween(spans: ReturnType<typeof alignTokens>, a: Side, b: Side): Promise<Divergence> {
  const pairs = distributionPairs(spans, a.tokens, b.tokens);
  const logits = (side: Side, positions: Int32Array): Promise<Tensor> => side.model.logits(rowsAt(lastResidual(side.trace), positions));
  const bits: number[] = [];
  for (let from = 0; from < pairs.a.length; from += LOGIT_ROWS) {
    const [p, q] = [await logits(a, pairs.a.subarray(from, from + LOGIT_ROWS)), await logits(b, pairs.b.subarray(from, from + LOGIT_ROWS))];
    for (let index = 0; index < at(p.dims, 0); index++) bits.push(divergenceBits(row(p, index), row(q, index)));
  }
  return divergenceOf(bits, pairs, spans.length);
}

function describe({ model, tokens, logprob }: Side): object {
  const { name, family, layers, heads, dim, vocab, runtime } = model.info;
  const { predicted, bytes, bits, bitsPerToken, bitsPerByte } = textTotals({ tokens, logprob });
  return { model: { name, family, layers, heads, dim, vocab, runtime }, tokens: tokens.length, predicted, bytes, bits, bitsPerToken: finite(bitsPerToken), bitsPerByte: finite(bitsPerByte) };
}

function tokenJson({ index, id, text, start, end, special }: Token, logprob: Float32Array): object {
  return { index, id, text, start, end, special, logprob: finite(at(logprob, index)) };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function vocabularyKey({ model, tokenizer }: OpenModel): string {
  return vocabularyHash(model.info.vocab, tokenizer.piece);
}
