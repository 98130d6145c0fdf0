import type { Direction } from './steering.ts';

/** What is generated after a text, and the distribution of the first token of it, by the model as it is, steered, and in the control. */
export interface SteeringTrial {
  /** How often the vectors were added. */
  readonly strength: number;
  /** One at least, by layer. */
  readonly directions: readonly SteeredDirection[];
  /** The likeliest tokens of each side, the model's own first. */
  readonly candidates: readonly SteeredCandidate[];
  /** KL in bits of the distribution by the model as it is from the one with the vector, and from that with random ones as long. */
  readonly bits: number;
  readonly randomBits: number;
  /** The text that each side goes on with, always by the likeliest token. */
  readonly texts: { readonly before: string; readonly steered: string; readonly random: string };
}

/** A vector that was added at a layer. One made of texts or tokens is as long as the residual: a strength is in units of that. */
export interface SteeredDirection extends Direction {
  /** The median length of the residual of the text's tokens there. */
  readonly residual: number;
  /** The length of what the vector was made of: the difference of means or of rows. null: it was there already. */
  readonly difference: number | null;
}

/** A token with its probabilities after the text. */
export interface SteeredCandidate {
  readonly id: number;
  readonly text: string;
  readonly before: number;
  readonly steered: number;
  readonly random: number;
}
