/** A head, by its layer. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** How well the model predicts a text that is given twice in a row. */
export interface CopyLoss {
  /** Number of tokens of one copy that count: all but its first, which nothing before it foretells. */
  readonly counted: number;
  /** Mean surprisal in bits of the counted tokens of the first copy, and of the same tokens in the second. */
  readonly firstBits: number;
  readonly secondBits: number;
}
