import { NoMemoryError, UserError } from '../core/errors.ts';
import { memoryNeed, TYPICAL_TOKENS, type MemoryNeed, type MemoryShape, type ModelDescription, type ModelFacts } from '../core/memory.ts';
import type { RuntimeKind } from '../core/runtimeChoice.ts';
import { isRecord } from '../core/records.ts';
import { msg, type Translatable } from '../core/translatable.ts';
import { readDecoder, supportedPart } from './families/families.ts';
import { carriedWidth, keySource, ofLayer, type Block, type DecoderSpec, type Weight } from './families/spec.ts';
import type { TextPart } from './families/wrappers.ts';
import { refuseAdapterAlone } from './formats/adapter/refuseAdapter.ts';
import { bytesText, CONFIG_MAX_BYTES, readJson, type ModelFiles } from './formats/modelFiles.ts';
import type { StoredTensor } from './formats/storedTensor.ts';
import { openWeights } from './formats/weights.ts';
import { DEQUANTIZED_MAX_BYTES, keptForm } from './formats/keptQuantized.ts';
import { describe } from './modelInfo.ts';
import { TOKENIZER_FILE, withoutTokenizer } from './tokenizer/tokenizerJson.ts';

const CONFIG_FILE = 'config.json';
/** Limit of the weights in WebAssembly, which addresses 4 GiB; the rest is for the runtime and the text. */
const WASM_MAX_WEIGHT_BYTES = 3.5e9;

/** A model's configuration and weight headers, read and checked, without the weights. */
export interface ReadModel {
  /** Parsed config.json. */
  readonly config: unknown;
  readonly spec: DecoderSpec;
  readonly facts: ModelFacts;
  readonly shape: MemoryShape;
  /** Bytes of its weights as stored. */
  readonly bytes: number;
}

/**
 * Reads config.json and the weights' headers. Quantised weights that take more than `dequantizedMaxBytes` as float32 stay as they
 * are. Throws UserError naming the file, option or tensor at fault.
 */
export async function readModel(
  files: ModelFiles,
  runtime: RuntimeKind,
  dequantizedMaxBytes = DEQUANTIZED_MAX_BYTES[runtime],
): Promise<ReadModel> {
  const names = await files.list();
  if (!names.includes(CONFIG_FILE)) await refuseWithoutConfig(files, names);
  const stated = await readJson(files, CONFIG_FILE, CONFIG_MAX_BYTES);
  const config = files.dequantized === true && isRecord(stated) ? { ...stated, quantization_config: null } : stated;
  const part = supportedPart(config);
  const stored = await openWeights(files);
  const form = keptForm(runtime, total([...stored.values()], wideBytes) > dequantizedMaxBytes);
  const { spec, tensors } = readDecoder(config, stored, form);
  const notices = [...(files.notices ?? []), ...wholeNotice(part, files.name), ...perLayerNotice(spec), ...streamsNotice(spec)];
  const facts = {
    ...describe(spec, tensors, part.family, files.name, files.weights?.type),
    ...(notices.length === 0 ? {} : { notices }),
    ...(files.adapterOn === undefined ? {} : { adapterOn: files.adapterOn }),
  };
  // Tables of embeddings are read from their file by rows, unless one is the unembedding too.
  const loaded = tensors.filter(
    ({ name }) => (name !== spec.embedding.name || name === spec.unembed.weight.name) && name !== spec.perLayerInputs?.table.name,
  );
  const made = await madeOf(files, loaded);
  const shape = {
    ...facts,
    ...keptPerToken(spec),
    madeBytes: total(made, heldBytes),
    loadedBytes: total(loaded, heldBytes),
    largestBytes: loaded.reduce((most, tensor) => Math.max(most, wideBytes(tensor)), 0),
    storedBytes: total(loaded, ({ kept, length }) => kept?.length ?? length),
  };
  return { config: part.config.values, spec, facts, shape, bytes: files.weights?.bytes ?? total(tensors, ({ length }) => length) };
}

/** Numbers kept of each token where layers differ in what they keep. */
function keptPerToken(spec: DecoderSpec): { readonly keptPerToken?: number } {
  const { blocks, perLayerInputs, heads, streams } = spec;
  const isUsual = ({ attention }: Block): boolean =>
    attention.kind === 'attention' && attention.sizes === null && attention.projections.kind !== 'queryAlone';
  if (perLayerInputs === null && streams === null && blocks.every(isUsual)) return {};
  const kept = blocks.map(({ attention }, layer) => {
    // What other layers keep does not grow with the text.
    if (attention.kind !== 'attention') return 0;
    const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
    return heads * headDim + (keySource(spec, layer) === layer ? kvHeads * (headDim + valueDim) : 0);
  });
  const carried = streams === null ? 0 : (blocks.length + 1) * carriedWidth(spec);
  return { keptPerToken: kept.reduce((sum, count) => sum + count, carried + (perLayerInputs?.table.shape[1] ?? 0)) };
}

/** Notice about what reads a token besides the residual. */
function perLayerNotice({ perLayerInputs }: DecoderSpec): readonly Translatable[] {
  if (perLayerInputs === null) return [];
  return [
    msg`Each layer of this model also reads a vector of the token's own (per-layer embeddings). What is done to the first residual, and \
gradients with respect to it, leave those vectors as they are.`,
  ];
}

/** Notice about several residual streams. */
function streamsNotice({ streams }: DecoderSpec): readonly Translatable[] {
  if (streams === null) return [];
  return [
    msg`This model carries ${streams.count} residual streams side by side (AltUp). The residual shown is the active one, which layers \
read; predictions, also of the logit lens, are made of all of them together.`,
  ];
}

/** Notice about a model of which only the part that reads texts is opened. */
function wholeNotice({ whole }: TextPart, name: string): readonly Translatable[] {
  return whole === null ? [] : [msg`${name} is a ${whole} model: this is its text part. Parts that read pictures or sounds are not used.`];
}

/** Throws UserError with what a folder without config.json seems to be, judging by its files. */
async function refuseWithoutConfig(files: ModelFiles, names: readonly string[]): Promise<never> {
  await refuseAdapterAlone(files, names);
  throw new UserError(
    msg`${files.name} holds no ${CONFIG_FILE}: choose the folder in which it lies together with *.safetensors \
and ${TOKENIZER_FILE}, or a GGUF file.`,
  );
}

/** Facts and memory need of a model, without loading it. Throws the UserErrors of opening it, except that of an unsupported tokenizer. */
export async function describeModel(files: ModelFiles): Promise<ModelDescription> {
  const native = await readModel(files, 'native');
  const wasm = [...(files.weights?.tensors.values() ?? [])].some(({ quantized }) => quantized !== undefined)
    ? await readModel(files, 'wasm')
    : native;
  const { facts, bytes } = native;
  const names = await files.list();
  if (!names.includes(TOKENIZER_FILE)) throw withoutTokenizer(files.name, names);
  // A tokenizer that has to be generated is generated, to find out whether that is possible.
  if (files.tokenizerMade === true) await files.size(TOKENIZER_FILE);
  const need = (runtime: RuntimeKind, { shape }: ReadModel): MemoryNeed => ({
    typical: memoryNeed(shape, runtime, Math.min(TYPICAL_TOKENS, facts.contextLength)),
    full: memoryNeed(shape, runtime, facts.contextLength),
  });
  return {
    ...facts,
    bytes,
    memory: { wasm: wasm.shape.loadedBytes > WASM_MAX_WEIGHT_BYTES ? null : need('wasm', wasm), native: need('native', native) },
  };
}

/** Throws NoMemoryError for a model whose weights WebAssembly cannot hold. */
export function checkAddressable({ facts: { name }, shape: { loadedBytes } }: ReadModel): void {
  if (loadedBytes > WASM_MAX_WEIGHT_BYTES)
    throw new NoMemoryError(msg`${name} needs ${bytesText(loadedBytes)} of memory, more than the WebAssembly runtime can have.`);
}

/** Tensors that no file holds in the form in which they are read. */
async function madeOf({ localPath }: ModelFiles, tensors: readonly Weight[]): Promise<readonly Weight[]> {
  if (localPath === undefined) return [];
  const places = new Map<string, string | null>();
  for (const { file } of tensors) if (!places.has(file)) places.set(file, await localPath(file));
  return tensors.filter(({ file }) => places.get(file) === null);
}

function total<Tensor extends StoredTensor>(tensors: readonly Tensor[], bytesOf: (tensor: Tensor) => number): number {
  return tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
}

/** Bytes of a weight as the runtime holds it. */
function heldBytes(weight: Weight): number {
  return weight.kept?.length ?? wideBytes(weight);
}

/** Bytes of a weight as float32. */
function wideBytes({ shape }: StoredTensor): number {
  return 4 * shape.reduce((product, dim) => product * dim, 1);
}
