/**
 * How long the residual of some tokens is along their way, and what each step adds to it. Lengths are Euclidean norms. Axes: [layer,
 * position].
 */
export interface TokenFlow {
  /** The first of the positions, and their number. */
  readonly position: number;
  readonly positions: number;
  /** [L + 1, positions], of the residual: 0 is the first block's input, i comes after block i. */
  readonly resid: Float32Array;
  /** [L, positions], between attention and MLP. Where both read the block's input, no part of the model. */
  readonly between: Float32Array;
  /** [L, positions], of what attention, or what a layer has in its place, and MLP add. */
  readonly attention: Float32Array;
  readonly mlp: Float32Array;
  /** [L, positions], the cosine of what each adds with the residual it is added to. */
  readonly attentionCosine: Float32Array;
  readonly mlpCosine: Float32Array;
}

/** What every head of a layer brings to one token. */
export interface HeadReads {
  readonly layer: number;
  readonly token: number;
  /** [H], the length of what a head adds: its output through its part of the output projection, before a norm behind it. */
  readonly lengths: Float32Array;
  /** K, the number of keys told of each head. */
  readonly most: number;
  /** [H, K] the tokens that a head reads most, and their attention weights, the largest first. */
  readonly keys: Int32Array;
  readonly weights: Float32Array;
}
