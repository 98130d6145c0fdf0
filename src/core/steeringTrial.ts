/** What is generated after a text, and the distribution of the first token of it, by the model as it is, steered, and in the control. */
export interface SteeringTrial {
  /** The layer that the vector was added at, and how often. */
  readonly layer: number;
  readonly strength: number;
  /** [D], as long as the residual: a strength is in units of that. */
  readonly direction: Float32Array;
  /** The median length of the residual of the text's tokens there, and the length of the difference of the texts' means. */
  readonly residual: number;
  readonly difference: number;
  /** The likeliest tokens of each side, the model's own first. */
  readonly candidates: readonly SteeredCandidate[];
  /** KL in bits of the distribution by the model as it is from the one with the vector, and from that with a random one as long. */
  readonly bits: number;
  readonly randomBits: number;
  /** The text that each side goes on with, always by the likeliest token. */
  readonly texts: { readonly before: string; readonly steered: string; readonly random: string };
}

/** A token with its probabilities after the text. */
export interface SteeredCandidate {
  readonly id: number;
  readonly text: string;
  readonly before: number;
  readonly steered: number;
  readonly random: number;
}
