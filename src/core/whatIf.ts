/** One prediction, by the model as it is or with the interventions. */
export interface Outcome {
  /** The logit of the token before a final soft cap, less that of the rival, as the parts of the model sum to it. */
  readonly target: number;
  /** Natural logs of the probabilities; the rival's is null where there is none. */
  readonly logprob: number;
  readonly rivalLogprob: number | null;
  /** Of the token among all; 1: the likeliest. */
  readonly rank: number;
}

/** A token that is among the likeliest before or after, with its probabilities. */
export interface ChangedCandidate {
  readonly id: number;
  readonly text: string;
  readonly before: number;
  readonly after: number;
}

/** What the interventions of a run do to one prediction. */
export interface WhatIf {
  /** By the model as it is. */
  readonly before: Outcome;
  readonly after: Outcome;
  /** The likeliest of before, then those that are among the likeliest after only, best first. */
  readonly candidates: readonly ChangedCandidate[];
  /** KL(before || after) in bits, of the distributions of the next token. */
  readonly bits: number;
}
