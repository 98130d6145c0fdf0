import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import { readDecoder } from '../../src/model/families/families.ts';
import { CONFIG_MAX_BYTES, readJson, type ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { ggufFiles } from '../../src/model/formats/gguf/ggufFiles.ts';
import { readGgufHeader } from '../../src/model/formats/gguf/ggufHeader.ts';
import { openWeights } from '../../src/model/formats/weights.ts';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { filesOf } from '../unit/model/folder.ts';
import { ggufBytes, type GgufTensorInput, type Typed } from '../unit/model/gguf/write.ts';
import { mutated, randomOf } from './mutate.ts';

/** Most processor time per file; beyond it, the worker would seem to hang. */
export const MAX_MS = 1000;
/** Most memory that opening a file of some kilobytes may take. */
export const MAX_BYTES = 256 * 1024 * 1024;

/** Numbers of mutated files read, opened in spite of their faults, and refused, and the highest cost of one. */
export interface FuzzCounts {
  readonly files: number;
  readonly opened: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly mostBytes: number;
}

interface Seed {
  readonly bytes: Uint8Array;
  /** Length of the header in bytes, before the weights. */
  readonly header: number;
  readonly open: (bytes: Uint8Array) => Promise<void>;
}

/** Reads `count` mutated GGUF and safetensors files. Throws for any error that is not a UserError, and for excessive time or memory. */
export async function fuzzHeaders(count: number, seed: number): Promise<FuzzCounts> {
  const seeds = await seedFiles();
  const random = randomOf(seed);
  let [opened, refused, slowestMs, mostBytes] = [0, 0, 0, 0];
  for (let index = 0; index < count; index++) {
    const own = seeds[random(seeds.length)];
    const other = seeds[random(seeds.length)];
    if (own === undefined || other === undefined) throw new Error('No seeds.');
    const bytes = mutated(own.bytes, other.bytes, own.header, random);
    const [before, start] = [memory(), process.cpuUsage()];
    try {
      await own.open(bytes);
      opened++;
    } catch (error) {
      if (!(error instanceof UserError) || !/^[^\n]{10,600}\.$/s.test(error.message))
        throw new Error(`File ${index} of seed ${seed} was not refused by a sentence.`, { cause: error });
      refused++;
    }
    const { user, system } = process.cpuUsage(start);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
    mostBytes = Math.max(mostBytes, memory() - before);
    if (slowestMs > MAX_MS || mostBytes > MAX_BYTES)
      throw new Error(`File ${index} of seed ${seed} took ${slowestMs.toFixed(0)} ms and ${mostBytes} bytes.`);
  }
  return { files: count, opened, refused, slowestMs, mostBytes };
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const GGUF = 'test/fixtures/gguf';
const FAMILIES = 'test/fixtures/models/families';

async function seedFiles(): Promise<readonly Seed[]> {
  const models = readdirSync(GGUF)
    .filter((name) => name.endsWith('.gguf.gz'))
    .map((name) => ggufSeed(new Uint8Array(gunzipSync(readFileSync(`${GGUF}/${name}`))), false));
  return Promise.all([
    ...models,
    ggufSeed(ggufBytes({ metadata: EVERY_TYPE, tensors: TENSORS }), true),
    ...['qwen2.1', 'gemma2.2', 'mixtral.1'].map(safetensorsSeed),
  ]);
}

async function ggufSeed(bytes: Uint8Array, hasTokenizer: boolean): Promise<Seed> {
  const { tensors } = await readGgufHeader(strict({ 'model.gguf': bytes }), 'model.gguf');
  const header = Math.min(...[...tensors.values()].map(({ offset }) => offset));
  return { bytes, header, open: async (own) => describe(await ggufFiles(strict({ 'model.gguf': own }), 'model.gguf'), hasTokenizer) };
}

/** Tensors of the smallest model with one layer. */
const TENSORS = [
  ['token_embd', [4, 2]],
  ['output_norm', [2]],
  ...['attn_norm', 'ffn_norm'].map((name) => [`blk.0.${name}`, [2]] as const),
  ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((name) => [`blk.0.${name}`, [2, 2]] as const),
].map(([name, shape]): GgufTensorInput => ({
  name: `${String(name)}.weight`,
  type: 0,
  shape: shape as readonly number[],
  bytes: new Uint8Array(32),
}));

/** Metadata with every type of value, and a tokenizer of a few tokens. */
const EVERY_TYPE: Readonly<Record<string, Typed>> = {
  'general.architecture': ['text', 'llama'],
  'general.type': ['text', 'model'],
  'general.alignment': ['u32', 32],
  'general.file_type': ['u32', 0],
  'split.count': ['u16', 1],
  'llama.block_count': ['u8', 1],
  'llama.embedding_length': ['u16', 2],
  'llama.attention.head_count': ['list', 'i32', [1]],
  'llama.context_length': ['u64', 16],
  'llama.feed_forward_length': ['i64', 2],
  'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
  'llama.rope.freq_base': ['f64', 10_000],
  'llama.flag': ['bool', true],
  'llama.small': ['i8', -3],
  'llama.short': ['i16', -300],
  'llama.nested': [
    'list',
    'list',
    [
      ['list', 'u8', [1, 2]],
      ['list', 'text', ['a']],
    ],
  ],
  'tokenizer.ggml.model': ['text', 'gpt2'],
  'tokenizer.ggml.pre': ['text', 'gpt-2'],
  'tokenizer.ggml.tokens': ['list', 'text', ['a', 'b', 'ab', '<eos>']],
  'tokenizer.ggml.token_type': ['list', 'i32', [1, 1, 1, 3]],
  'tokenizer.ggml.merges': ['list', 'text', ['a b']],
  'tokenizer.ggml.eos_token_id': ['u32', 3],
  'tokenizer.chat_template': ['text', '{{ messages[0].content }}'],
};

/** A seed from the weights of a family; its config.json is not mutated. */
async function safetensorsSeed(name: string): Promise<Seed> {
  const bytes = new Uint8Array(readFileSync(`${FAMILIES}/${name}/model.safetensors`));
  const config = new Uint8Array(readFileSync(`${FAMILIES}/${name}/config.json`));
  const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return { bytes, header, open: (own) => describe(strict({ 'config.json': config, 'model.safetensors': own }), false) };
}

/** Reads what opening a model reads, and the first numbers of each tensor. */
async function describe(files: ModelFiles, hasTokenizer: boolean): Promise<void> {
  const { spec, tensors } = readDecoder(await readJson(files, 'config.json', CONFIG_MAX_BYTES), await openWeights(files));
  for (const { file, offset, length } of tensors) await files.read(file, offset, Math.min(length, 64));
  if (hasTokenizer) await openTokenizer(files, spec.vocab);
}

/** Files in memory whose `read` throws RangeError beyond their end. */
function strict(contents: Readonly<Record<string, Uint8Array>>): ModelFiles {
  const files = filesOf(contents);
  return {
    ...files,
    read: (file, offset, length) => {
      const size = contents[file]?.length ?? 0;
      if (!(offset >= 0 && length >= 0 && offset + length <= size))
        throw new RangeError(`Bytes ${offset} to ${offset + length} were asked of ${file}, which has ${size}.`);
      return files.read(file, offset, length);
    },
  };
}
