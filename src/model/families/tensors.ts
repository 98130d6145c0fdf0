import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { quoted } from '../formats/modelFiles.ts';
import { quantizedMatrix, type Quantization, type QuantizedForm } from '../formats/quantized.ts';
import type { StoredTensor } from '../formats/storedTensor.ts';
import { isWeightType } from '../formats/widen.ts';
import type { Linear, Norm, Weight } from './spec.ts';

/** The tensors of a model's files, asked for by name and shape. */
export interface Tensors {
  has(name: string): boolean;
  /** Sizes of a stored tensor; null where there is none. */
  shapeOf(name: string): readonly number[] | null;
  /** Throws UserError naming the tensor when it is missing, has another shape, or is stored as a type that is not supported. */
  weight(name: string, shape: readonly number[]): Weight;
  /** A matrix stored [out, in], with a vector [out] where `bias`. */
  linear(name: string, input: number, output: number, bias: boolean): Linear;
  /** Slice `index` of the first axis of a tensor of this shape. */
  slice(name: string, shape: readonly number[], index: number): Weight;
  rms(name: string, width: number, epsilon: number, offset?: 0 | 1): Norm;
  layerNorm(
    name: string,
    width: number,
    epsilon: number,
    parts?: { readonly weight?: boolean; readonly bias?: boolean; readonly offset?: 0 | 1 },
  ): Norm;
  /** Tensors asked for so far, by name. */
  readonly used: ReadonlyMap<string, Weight>;
}

/** In which form a quantised matrix is kept; null: as float32. */
export type KeptForm = (quantization: Quantization) => QuantizedForm | null;

export function tensorsOf(stored: ReadonlyMap<string, StoredTensor>, keptForm: KeptForm = () => null): Tensors {
  const used = new Map<string, Weight>();
  const weight = (name: string, shape: readonly number[]): Weight => {
    const tensor = stored.get(name);
    if (tensor === undefined) throw new UserError(msg`The model's files hold no tensor "${name}", which config.json calls for.`);
    const { dtype } = tensor;
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, axis) => dim !== shape[axis])) {
      throw new UserError(
        msg`Tensor "${name}" in ${tensor.file} is ${tensor.shape.join(' x ')}, where config.json calls for ${shape.join(' x ')}.`,
      );
    }
    if (!isWeightType(dtype))
      throw new UserError(msg`Tensor "${name}" in ${tensor.file} is stored as ${dtype.slice(0, 20)}; F32, F16 and BF16 are supported.`);
    const { quantized } = tensor;
    const form = quantized === undefined ? null : keptForm(quantized);
    const found = {
      ...tensor,
      dtype,
      ...(quantized === undefined || form === null ? {} : { kept: quantizedMatrix(name, quantized, form) }),
    };
    used.set(name, found);
    return found;
  };
  return {
    has: (name) => stored.has(name),
    shapeOf: (name) => stored.get(name)?.shape ?? null,
    weight,
    linear: (name, input, output, bias) => ({
      weight: weight(`${name}.weight`, [output, input]),
      layout: 'out-in',
      bias: bias ? weight(`${name}.bias`, [output]) : null,
    }),
    slice: (name, shape, index) => {
      const whole = weight(name, shape);
      const length = whole.length / (shape[0] ?? 1);
      return { ...whole, name: `${name}[${index}]`, shape: shape.slice(1), offset: whole.offset + index * length, length };
    },
    rms: (name, width, epsilon, offset = 0) => ({
      kind: 'rms',
      width,
      weight: weight(`${name}.weight`, [width]),
      offset,
      bias: null,
      epsilon,
    }),
    layerNorm: (name, width, epsilon, { weight: weighted = true, bias = true, offset = 0 } = {}) => ({
      kind: 'layer',
      width,
      epsilon,
      offset,
      weight: weighted ? weight(`${name}.weight`, [width]) : null,
      bias: weighted && bias ? weight(`${name}.bias`, [width]) : null,
    }),
    used,
  };
}

/**
 * Embedding and unembedding [vocab, D], tied as transformers 5 does it: by what the files hold, then by `tie_word_embeddings`.
 * A separate unembedding in the files is used even where the option says tied; a missing one must be tied.
 */
export function embeddingPair(
  tensors: Tensors,
  embedding: string,
  unembed: string,
  vocab: number,
  dim: number,
  tied: boolean,
): { embedding: Weight; unembed: Linear } {
  const read = (name: string): Weight => tensors.weight(name, [vocab, dim]);
  if (tensors.has(unembed)) {
    const separate = read(unembed);
    return { embedding: tied && !tensors.has(embedding) ? separate : read(embedding), unembed: unbiased(separate) };
  }
  if (!tied)
    throw new UserError(msg`The model's files hold no tensor "${unembed}", and config.json does not say "tie_word_embeddings": true.`);
  const shared = read(embedding);
  return { embedding: shared, unembed: unbiased(shared) };
}

/** What files hold beside the weights: masks and tables that are computed here. */
const BUFFERS = new RegExp(
  `(^|\\.)(${[
    'inv_freq',
    'attn\\.(attention\\.)?(masked_)?bias',
    'attention\\.(masked_)?bias',
    'attn\\.causal_mask',
    'embed_positions\\.weights',
    'embed_tokens\\.embed_scale',
    'lm_head\\.weight',
  ].join('|')})$`,
);

/** Biases of the unembedding, which shift every logit: never left unread, though a weight of that name may be. */
const UNEMBED_BIASES = new Set(['lm_head.bias', 'embed_out.bias']);

/**
 * Throws UserError naming a tensor of the decoder that nothing asked for: the files then hold another model than config.json says.
 * `isExtra` names parts that a family's reference leaves out, such as layers for predicting several tokens.
 */
export function refuseUnused(
  stored: ReadonlyMap<string, StoredTensor>,
  used: ReadonlyMap<string, Weight>,
  isExtra: (name: string) => boolean,
): void {
  const roots = new Set([...used.keys()].filter((name) => !name.startsWith('lm_head.') && !name.startsWith('embed_out.')).map(rootOf));
  for (const [name, { file }] of stored) {
    if (used.has(name) || BUFFERS.test(name) || isExtra(name)) continue;
    if (!roots.has(rootOf(name)) && !UNEMBED_BIASES.has(name)) continue;
    throw new UserError(msg`Tensor ${quoted(name)} in ${file} is not one that config.json calls for.`);
  }
}

function rootOf(name: string): string {
  return name.slice(0, Math.max(name.indexOf('.'), 0));
}

function unbiased(weight: Weight): Linear {
  return { weight, layout: 'out-in', bias: null };
}
