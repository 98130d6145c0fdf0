import { UserError } from '../../core/errors.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import { isWeightType } from '../formats/widen.ts';
import type { Linear, Weight } from './spec.ts';

/** The tensors of a model's files, asked for by name and shape. */
export interface Tensors {
  has(name: string): boolean;
  /** Throws UserError naming the tensor when it is missing, has another shape, or is stored as a type that is not supported. */
  weight(name: string, shape: readonly number[]): Weight;
  /** A matrix stored [out, in], with a vector [out] where `bias`. */
  linear(name: string, input: number, output: number, bias: boolean): Linear;
}

export function tensorsOf(stored: ReadonlyMap<string, StoredTensor>): Tensors {
  const weight = (name: string, shape: readonly number[]): Weight => {
    const tensor = stored.get(name);
    if (tensor === undefined) throw new UserError(`The model's files hold no tensor "${name}", which config.json calls for.`);
    const { dtype } = tensor;
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, axis) => dim !== shape[axis])) {
      throw new UserError(`Tensor "${name}" in ${tensor.file} is ${tensor.shape.join(' x ')}, where config.json calls for ${shape.join(' x ')}.`);
    }
    if (!isWeightType(dtype)) throw new UserError(`Tensor "${name}" in ${tensor.file} is stored as ${dtype.slice(0, 20)}; F32, F16 and BF16 are supported.`);
    return { ...tensor, dtype };
  };
  return {
    has: (name) => stored.has(name),
    weight,
    linear: (name, input, output, bias) => ({
      weight: weight(`${name}.weight`, [output, input]),
      layout: 'out-in',
      bias: bias ? weight(`${name}.bias`, [output]) : null,
    }),
  };
}

/**
 * Embedding and unembedding [vocab, D], tied as transformers 5 does it: by what the files hold, then by `tie_word_embeddings`.
 * A separate unembedding in the files is used even where the option says tied; a missing one must be tied.
 */
export function embeddingPair(tensors: Tensors, embedding: string, unembed: string, vocab: number, dim: number, tied: boolean): { embedding: Weight; unembed: Linear } {
  const read = (name: string): Weight => tensors.weight(name, [vocab, dim]);
  if (tensors.has(unembed)) {
    const separate = read(unembed);
    return { embedding: tied && !tensors.has(embedding) ? separate : read(embedding), unembed: unbiased(separate) };
  }
  if (!tied) throw new UserError(`The model's files hold no tensor "${unembed}", and config.json does not say "tie_word_embeddings": true.`);
  const shared = read(embedding);
  return { embedding: shared, unembed: unbiased(shared) };
}

function unbiased(weight: Weight): Linear {
  return { weight, layout: 'out-in', bias: null };
}
