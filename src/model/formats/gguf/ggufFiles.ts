import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { WEIGHT_BYTES } from '../widen.ts';
import { layersOf } from './architectures/common.ts';
import { architectureNamed } from './architectures/architectures.ts';
import { factsOf } from './facts.ts';
import type { GgufMetadata } from './ggufHeader.ts';
import { huggingFaceTensors } from './layout.ts';
import { quantizedOf } from './pack.ts';
import { ROPE_TENSORS } from './ggufRope.ts';
import { readBytes, rowCount, rowLength } from '../source.ts';
import { storedSource } from './storedSource.ts';
import { readGgufParts } from './ggufParts.ts';
import { modelNameOf } from '../../../core/fileFormats.ts';
import { ggufGeneration, ggufTokenizer, hasTokenizer, type GgufTokenizer } from './ggufTokenizer.ts';
import { weightTypeOf } from './weightType.ts';

/** More pairs than any head has; bounds the rope tensors, which are read into memory. */
const ROPE_MAX_PAIRS = 4096;

/**
 * A GGUF file, or its parts, as a folder in Hugging Face layout: config.json is generated from its metadata, and weights have
 * Hugging Face's names. Unquantised weights that need no change stay where they are; all others are generated when they are read.
 * Throws UserError naming what is not supported.
 */
export async function ggufFiles(files: ModelFiles, file: string, name = modelNameOf(file)): Promise<ModelFiles> {
  const { metadata, tensors: all } = await readGgufParts(files, file);
  const architecture = architectureOf(metadata, file);
  const facts = factsOf(file, architecture, metadata, all);
  const read = architectureNamed(architecture);
  if (read === null) return facts.refuse(msg`holds a model of architecture ${quoted(architecture)}, which is not supported`);
  const { layers, extra } = layersOf(facts);
  const { config, layout, ignored, notices } = read(facts, await readRopes(files, all));
  const tensors = new Map([...all].filter(([own]) => ignored?.test(own) !== true));
  /** Generated files: each reads `length` bytes from an offset. */
  const sources = new Map<string, (offset: number, length: number) => Promise<Uint8Array>>();
  const weights = new Map<string, StoredTensor>();
  for (const [own, source] of huggingFaceTensors({ ...facts, tensors }, files, layout, layers, extra)) {
    const made = `${file}: ${own}`;
    const place = source.place ?? {
      file: made,
      offset: 0,
      length: rowCount(source.shape) * rowLength(source.shape) * WEIGHT_BYTES[source.dtype],
    };
    const quantized = quantizedOf(source, made);
    weights.set(own, {
      name: own,
      dtype: source.dtype,
      shape: source.shape,
      ...place,
      ...(quantized === null ? {} : { quantized: quantized.stored }),
    });
    if (source.place === null) sources.set(made, (offset, length) => readBytes(source, offset, length));
    for (const [name, read] of quantized?.files ?? [])
      sources.set(name, async (offset, length) => (await read()).subarray(offset, offset + length));
  }
  const text = textFiles(config, metadata, file);
  const { localPath } = files;
  return {
    name,
    list: async () => TEXT_FILES,
    size: async (wanted) => text(wanted)?.length ?? files.size(wanted),
    read: async (wanted, offset, length) => {
      const source = sources.get(wanted);
      if (source !== undefined) return source(offset, length);
      return text(wanted)?.slice(offset, offset + length) ?? files.read(wanted, offset, length);
    },
    ...(localPath === undefined ? {} : { localPath: async (wanted: string) => (sources.has(wanted) ? null : localPath(wanted)) }),
    ...(notices === undefined ? {} : { notices }),
    tokenizerMade: true,
    storedIn: [file],
    weights: {
      tensors: weights,
      type: weightTypeOf(metadata, tensors.values()),
      bytes: [...tensors.values()].reduce((sum, { length }) => sum + length, 0),
    },
  };
}

const TEXT_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'] as const;

/** The JSON files of the folder, generated on first use: a model can be described without its tokenizer. */
function textFiles(config: unknown, metadata: GgufMetadata, file: string): (name: string) => Uint8Array | null {
  const made = new Map<string, Uint8Array>();
  let tokenizer: GgufTokenizer | null = null;
  const tokenizerFiles = (): GgufTokenizer => (tokenizer ??= tokenizerOf(metadata, file));
  const contents: Readonly<Record<(typeof TEXT_FILES)[number], () => unknown>> = {
    'config.json': () => config,
    'tokenizer.json': () => tokenizerFiles().tokenizer,
    'tokenizer_config.json': () => tokenizerFiles().config,
    'generation_config.json': () => ggufGeneration(metadata),
  };
  return (name) => {
    const known = TEXT_FILES.find((text) => text === name);
    if (known === undefined) return null;
    const bytes = made.get(name) ?? new TextEncoder().encode(JSON.stringify(contents[known]()));
    made.set(name, bytes);
    return bytes;
  };
}

function tokenizerOf(metadata: GgufMetadata, file: string): GgufTokenizer {
  if (!hasTokenizer(metadata)) throw new UserError(msg`${file} holds no tokenizer.`);
  return ggufTokenizer(metadata);
}

function architectureOf(metadata: GgufMetadata, file: string): string {
  const type = metadata.get('general.type') ?? 'model';
  if (type !== 'model') throw new UserError(msg`${file} holds no model but, as it says, ${quoted(String(type))}.`);
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string') throw new UserError(msg`${file} does not say "general.architecture".`);
  return architecture;
}

async function readRopes(files: ModelFiles, tensors: ReadonlyMap<string, StoredTensor>): Promise<ReadonlyMap<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const name of ROPE_TENSORS) {
    const tensor = tensors.get(name);
    if (tensor === undefined) continue;
    const [pairs = 0] = tensor.shape;
    if (tensor.dtype !== 'F32' || tensor.shape.length !== 1 || pairs > ROPE_MAX_PAIRS)
      throw new UserError(msg`Tensor ${quoted(name)} in ${tensor.file} is not a list of at most ${ROPE_MAX_PAIRS} float32 numbers.`);
    found.set(name, new Float32Array((await storedSource(files, tensor).rows(0, pairs)).slice().buffer));
  }
  return found;
}
