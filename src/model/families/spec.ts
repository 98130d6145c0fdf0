import type { StoredTensor } from '../formats/safetensors.ts';
import type { WeightType } from '../formats/widen.ts';
import type { Activation } from './activations.ts';
import type { Rope } from './rope.ts';

// A decoder as a declaration: what the graph builder reads, and all that a family file states.

/** A stored tensor of a type that weights may have, its shape checked. */
export interface Weight extends StoredTensor {
  readonly dtype: WeightType;
}

/** y = norm(x) * weight (+ bias), over the last axis. `layer`: Ba et al. 2016; `rms`: Zhang and Sennrich 2019. */
export type Norm =
  | { readonly kind: 'layer'; readonly weight: Weight /* [D] */; readonly bias: Weight /* [D] */; readonly epsilon: number }
  | { readonly kind: 'rms'; readonly weight: Weight /* [D] */; readonly epsilon: number };

/** y = x W (+ bias). `out-in`: stored [out, in], as PyTorch's Linear; `in-out`: stored [in, out], as GPT-2's Conv1D. */
export interface Linear {
  readonly weight: Weight;
  readonly layout: 'out-in' | 'in-out';
  readonly bias: Weight | null;
}

/** How queries, keys and values are made from the normed residual. `fused`: one matrix whose outputs are q, k, v one after another. */
export type Projections =
  | { readonly kind: 'fused'; readonly qkv: Linear }
  | { readonly kind: 'separate'; readonly q: Linear; readonly k: Linear; readonly v: Linear };

export interface Attention {
  readonly projections: Projections;
  /** What q . k is multiplied by before the softmax. */
  readonly scale: number;
  readonly output: Linear;
}

/** `plain`: down(act(up(x))); `gated`: down(act(gate(x)) * up(x)) (Shazeer 2020). */
export type Mlp =
  | { readonly kind: 'plain'; readonly up: Linear; readonly down: Linear; readonly activation: Activation }
  | { readonly kind: 'gated'; readonly gate: Linear; readonly up: Linear; readonly down: Linear; readonly activation: Activation };

/** Pre-norm block: x += attention(attentionNorm(x)); x += mlp(mlpNorm(x)). */
export interface Block {
  readonly attentionNorm: Norm;
  readonly attention: Attention;
  readonly mlpNorm: Norm;
  readonly mlp: Mlp;
}

/** `learned`: rows of `table` [limit, D] are added to the embedding; `rotary`: queries and keys are turned (Su et al. 2021). */
export type Positions =
  | { readonly kind: 'learned'; readonly table: Weight }
  | { readonly kind: 'rotary'; readonly rope: Rope };

export interface DecoderSpec {
  readonly heads: number;
  /** Divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** D, the width of the residual stream. */
  readonly dim: number;
  readonly vocab: number;
  /** Tokens the model was made to read at once. */
  readonly contextLength: number;
  /** [vocab, D] */
  readonly embedding: Weight;
  readonly positions: Positions;
  readonly blocks: readonly Block[];
  readonly finalNorm: Norm;
  /** [vocab, D]; the embedding itself where the two are tied. */
  readonly unembed: Linear;
}
