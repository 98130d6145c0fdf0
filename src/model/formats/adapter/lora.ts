import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import { readSafetensorsHeader } from '../safetensors.ts';
import { floatsOf, once, plainSource, rowCount, type Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { isWeightType } from '../widen.ts';
import { scaleOf, type AdapterConfig } from './adapterConfig.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../../core/adapterNames.ts';
import { plus, plusLowRank, turned, withLengths, type LowRank } from './lowRank.ts';

/** A LoRA adapter's changes to a model. */
export interface LoraChanges {
  /** The changed tensors by the names that the model's files have for them. */
  readonly tensors: ReadonlyMap<string, Source>;
  /** Number of matrices to which a product B A is added, and the largest rank of those. */
  readonly matrices: number;
  readonly rank: number;
}

/** What an adapter holds for one module. */
interface ModuleParts {
  a?: StoredTensor;
  b?: StoredTensor;
  /** Lengths of the outputs' weights, for DoRA. */
  lengths?: StoredTensor;
  /** Bias of B, which is scaled with it. */
  biasOfB?: StoredTensor;
}

const PREFIX = 'base_model.model.';
const PART = /^(.+)\.(lora_A|lora_B|lora_magnitude_vector)(?:\.default)?(?:\.(weight|bias))?$/;
/** A tensor that replaces the model's, whatever peft wrapped its module in. */
const WHOLE = /^(.+?)(?:\.base_layer|\.modules_to_save(?:\.default)?)?\.(weight|bias)$/;
/** Modules whose weights may be shared between both ends of a model. */
const ENDS = /(?:^|\.)(?:lm_head|embed_out|embed_tokens|embed_in|wte|word_embeddings)$/;

/** The factors of one matrix, ready to be added to the base's. */
interface AddedProduct {
  readonly base: Source;
  readonly shape: readonly [out: number, width: number];
  readonly scale: number;
}

/**
 * The tensors that a LoRA adapter changes: W + scale B A for each of its matrices, with DoRA in the lengths it holds, and tensors that
 * it saved whole, such as biases. `stored`: the base model's tensors. Throws UserError naming the tensor that does not belong there.
 */
export async function loraChanges(
  base: ModelFiles,
  stored: ReadonlyMap<string, StoredTensor>,
  adapter: ModelFiles,
  config: AdapterConfig,
): Promise<LoraChanges> {
  const held = await readSafetensorsHeader(adapter, ADAPTER_WEIGHTS);
  const modules = new Map<string, ModuleParts>();
  const tensors = new Map<string, Source>();
  for (const [name, tensor] of held) {
    const own = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    if (!isWeightType(tensor.dtype)) refuse(name, msg`is stored as ${tensor.dtype.slice(0, 20)}; F32, F16 and BF16 are supported`);
    const [, module, part, kind] = PART.exec(own) ?? [];
    if (module !== undefined && part !== undefined) {
      const parts = modules.get(module) ?? {};
      modules.set(module, parts);
      if (part === 'lora_A' && kind === 'weight') parts.a = tensor;
      else if (part === 'lora_B' && kind === 'weight') parts.b = tensor;
      else if (part === 'lora_B' && kind === 'bias') parts.biasOfB = tensor;
      else if (part === 'lora_magnitude_vector' && kind !== 'bias' && config.dora) parts.lengths = tensor;
      else refuse(name, msg`is not one that ${ADAPTER_CONFIG} calls for`);
      continue;
    }
    const [, whole, which] = WHOLE.exec(own) ?? [];
    if (whole === undefined || which === undefined) return refuse(name, msg`is of a kind that is not supported`);
    const replaced = storedFor(stored, whole, which, name);
    if (replaced.shape.join() !== tensor.shape.join())
      refuse(name, msg`is ${tensor.shape.join(' x ')}, where the base model has ${replaced.shape.join(' x ')}`);
    tensors.set(replaced.name, { ...plainSource(adapter, tensor), place: null });
  }
  let rank = 0;
  for (const [module, parts] of modules) {
    const changed = changedMatrix(base, stored, adapter, config, module, parts);
    rank = Math.max(rank, changed.rank);
    tensors.set(changed.name, changed.matrix);
    if (changed.bias !== null) tensors.set(changed.bias.name, changed.bias.source);
  }
  return { tensors, matrices: modules.size, rank };
}

function changedMatrix(
  base: ModelFiles,
  stored: ReadonlyMap<string, StoredTensor>,
  adapter: ModelFiles,
  config: AdapterConfig,
  module: string,
  { a, b, lengths, biasOfB }: ModuleParts,
): {
  readonly name: string;
  readonly matrix: Source;
  readonly rank: number;
  readonly bias: { readonly name: string; readonly source: Source } | null;
} {
  if (a === undefined || b === undefined) return refuse(module, a === undefined ? msg`has no lora_A` : msg`has no lora_B`);
  if (config.dora && lengths === undefined) refuse(module, msg`has no lora_magnitude_vector, which "use_dora" calls for`);
  const weight = storedFor(stored, module, 'weight', a.name);
  const [rank = 0, width = 0] = a.shape;
  const [out = 0, inner = 0] = b.shape;
  const shape = config.transposed ? [width, out] : [out, width];
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== rank || weight.shape.join() !== shape.join())
    refuse(
      module,
      msg`has a lora_A of ${a.shape.join(' x ')} and a lora_B of ${b.shape.join(' x ')}, which do not fit the base model’s \
${weight.shape.join(' x ')}`,
    );
  const product: AddedProduct = { base: plainSource(base, weight), shape: [out, width], scale: scaleOf(config, module, rank) };
  const sum = plusLowRank(
    product.base,
    once(() => factorsOf(adapter, a, b, product, config.transposed)),
  );
  if (lengths !== undefined && lengths.shape.join() !== String(out))
    refuse(lengths.name, msg`is ${lengths.shape.join(' x ')}, where ${out} numbers are called for`);
  const matrix =
    lengths === undefined
      ? sum
      : withLengths(
          sum,
          once(() => floatsOf(adapter, lengths)),
          config.transposed,
        );
  if (biasOfB === undefined) return { name: weight.name, matrix, rank, bias: null };
  const bias = storedFor(stored, module, 'bias', biasOfB.name);
  if (bias.shape.join() !== biasOfB.shape.join()) refuse(biasOfB.name, msg`is ${biasOfB.shape.join(' x ')}, unlike the base model’s bias`);
  const scaled = once(async () => (await floatsOf(adapter, biasOfB)).map((value) => value * product.scale));
  return { name: weight.name, matrix, rank, bias: { name: bias.name, source: plus(plainSource(base, bias), scaled) } };
}

/** scale B A, or its transpose. */
async function factorsOf(
  adapter: ModelFiles,
  a: StoredTensor,
  b: StoredTensor,
  { shape: [out, width], scale }: AddedProduct,
  transposed: boolean,
): Promise<LowRank> {
  const rank = rowCount(a.shape);
  const [down, up] = [await floatsOf(adapter, a), (await floatsOf(adapter, b)).map((value) => value * scale)];
  return transposed ? { rank, left: turned(down, rank, width), right: turned(up, out, rank) } : { rank, left: up, right: down };
}

/** The base model's tensor of a module. Its file may have another prefix than the module, as those of GPT-2 and of wrappers do. */
function storedFor(stored: ReadonlyMap<string, StoredTensor>, module: string, kind: string, asked: string): StoredTensor {
  if (ENDS.test(module) && kind === 'weight' && !hasBothEnds(stored))
    refuse(asked, msg`changes one end of a model whose embedding is also its unembedding, which is not supported`);
  const segments = `${module}.${kind}`.split('.');
  // Only a prefix may differ: a layer is named with its number.
  const layer = segments.findIndex((segment) => /^\d+$/.test(segment));
  for (let from = 0; from <= Math.max(0, (layer === -1 ? segments.length : layer + 1) - 2); from++) {
    const name = segments.slice(from).join('.');
    const exact = stored.get(name);
    if (exact !== undefined) return exact;
    const found = [...stored.values()].filter((tensor) => tensor.name.endsWith(`.${name}`));
    const [only, another] = found;
    if (only !== undefined && another === undefined) return only;
    if (another !== undefined) break;
  }
  return refuse(asked, msg`is for ${quoted(module)}, which the base model does not have`);
}

function hasBothEnds(stored: ReadonlyMap<string, StoredTensor>): boolean {
  return [...stored.keys()].some((name) => /(?:^|\.)(?:lm_head|embed_out)\.weight$/.test(name));
}

function refuse(name: string, why: ReturnType<typeof msg>): never {
  throw new UserError(msg`${ADAPTER_WEIGHTS}: ${quoted(name)} ${why}.`);
}
