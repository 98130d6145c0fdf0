import { readFileSync } from 'node:fs';
import { fromByteCharacters } from '../../src/core/byteAlphabet.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { topIndices } from '../../src/core/probability.ts';
import { lastResidual, rowsAt } from '../../src/analysis/traceRows.ts';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { wasmRuntime, type Runtime } from '../../src/model/run/runtime.ts';
import { openTokenizer, type TextTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { modelAt } from '../../src/worker/files.node.ts';

const FOLDER = 'media/models/explain-tokens-9m';

/** A token that may follow, and its log-probability. */
export interface Candidate {
  readonly id: number;
  readonly logprob: number;
}

/** What servers of the tests answer from: the bundled model, by its logits and a softmax of these tests' own. */
export interface ServedModel {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
  readonly encode: (text: string) => number[];
  /** A token's entry in tokenizer.json, its bytes, and its text decoded alone. */
  readonly entry: (id: number) => string;
  readonly bytes: (id: number) => number[];
  readonly text: (id: number) => string;
  /** What may follow each of the ids from one on. */
  readonly after: (ids: readonly number[], from?: number) => Promise<readonly Distribution[]>;
}

/** The whole vocabulary at one place. */
export interface Distribution {
  readonly logprob: (id: number) => number;
  /** 1 = the likeliest. */
  readonly rank: (id: number) => number;
  /** The likeliest, best first. */
  readonly top: (most: number) => readonly Candidate[];
}

/** Opens the bundled model in this process. */
export async function openServedModel(): Promise<ServedModel> {
  const wasmBinary = readFileSync('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm');
  return openServed(await modelAt(FOLDER), wasmRuntime({ wasmBinary, threads: 1 }));
}

/** Opens the model of these files. */
export async function openServed(files: ModelFiles, runtime: Runtime): Promise<ServedModel> {
  const model = await openLanguageModel(files, runtime);
  const tokenizer = await openTokenizer(files, model.info.vocab);
  const tokens = await files.read('tokenizer.json', 0, await files.size('tokenizer.json'));
  const json = JSON.parse(new TextDecoder().decode(tokens)) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
    readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  };
  const entries = new Map(Object.entries(json.model.vocab).map(([name, id]) => [id, name]));
  const added = new Map(json.added_tokens.map(({ id, content }) => [id, content]));
  const bytes = (id: number): number[] => {
    const special = added.get(id);
    return [...(special === undefined ? (fromByteCharacters(entries.get(id) ?? '') ?? []) : Buffer.from(special))];
  };
  const texts = new Map<number, string>();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const text = (id: number): string => {
    const found = texts.get(id) ?? decoder.decode(Uint8Array.from(bytes(id)));
    texts.set(id, found);
    return found;
  };
  const known = new Map<string, Promise<readonly Distribution[]>>();
  const rowsAfter = async (ids: readonly number[], from: number): Promise<readonly Distribution[]> => {
    const trace = await model.run(runOf(Int32Array.from(ids), UNCHANGED));
    const rows = Array.from({ length: ids.length - from }, (_, index) => from + index);
    const { data } = await model.logits(rowsAt(lastResidual(trace), Int32Array.from(rows)));
    const { vocab } = model.info;
    return rows.map((_, row) => distribution(data.subarray(row * vocab, (row + 1) * vocab)));
  };
  return {
    model,
    tokenizer,
    encode: (text) => [...tokenizer.encode(text).ids],
    entry: (id) => added.get(id) ?? entries.get(id) ?? '',
    bytes,
    text,
    after: async (ids, from = 0) => {
      const key = `${from} ${ids.join()}`;
      const found = known.get(key) ?? rowsAfter(ids, from);
      known.set(key, found);
      return found;
    },
  };
}

/** Log-probabilities of the whole vocabulary, by a softmax in double precision. */
function distribution(logits: Float32Array): Distribution {
  let total = 0;
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  for (const logit of logits) total += Math.exp(logit - largest);
  const normalizer = largest + Math.log(total);
  const logprob = (id: number): number => (logits[id] ?? Number.NaN) - normalizer;
  return {
    logprob,
    rank: (id) => 1 + logits.reduce((above, logit) => above + (logit > (logits[id] ?? Number.NaN) ? 1 : 0), 0),
    top: (most) => Array.from(topIndices(logits, Math.min(most, logits.length)), (id) => ({ id, logprob: logprob(id) })),
  };
}
