/** A logit to explain: that of `token` in the prediction after `position`, less the logit of `rival`; null: of `token` alone. */
export interface LogitQuestion {
  readonly position: number;
  readonly token: number;
  readonly rival: number | null;
}

/**
 * What a logit (difference) is the sum of, before a final soft cap: direct logit attribution, with the scale of every norm held at what
 * it was. All numbers are logits (natural log units), and those but `target` sum to `target`.
 */
export interface DirectParts {
  readonly target: number;
  /** Of the first block's input: the embedding, with positions where they are added. */
  readonly embedding: number;
  /** [L, H], of each head's output, without the bias of the output projection; zeros of a layer without attention. */
  readonly heads: Float32Array;
  /**
   * [L], of what layers put out behind a state, in place of attention or beside it; NaN of one that keeps none. Absent where no layer keeps
   * any.
   */
  readonly recurrence?: Float32Array;
  /** [L], of the MLP or of all experts together, their biases included. */
  readonly mlp: Float32Array;
  /** [L], of what each layer makes of the token's vector for it (per-layer embeddings). Absent where layers have none. */
  readonly perLayer?: Float32Array;
  /** Of every constant: biases of attention's output projections, of norms and of the unembedding. */
  readonly rest: number;
}

/** One head's part of a logit, by the token whose value it comes from. */
export interface DirectSources {
  readonly layer: number;
  readonly head: number;
  /** [position + 1], logits; they sum to the head's part. */
  readonly values: Float32Array;
}
