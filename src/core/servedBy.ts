import { entropyBits } from './probability.ts';

/** The program elsewhere that serves a model: it returns answers about texts, and hardly any of the model's internals. */
export interface ServedBy {
  /** Its protocol, by the name of the program that speaks it, such as "vllm". */
  readonly engine: string;
  /** Version of the program; null: it does not say. */
  readonly version: string | null;
  /** Where texts are sent; empty in a saved report, which does not tell. */
  readonly address: string;
  /** Whether what is sent there can be read by others on the way. */
  readonly readOnTheWay: boolean;
  /** Most alternatives that it returns for a position; 0: none. */
  readonly alternatives: number;
  /** Whether a text takes one request for each of its tokens. */
  readonly requestEach: boolean;
  /** Whether a token's probability is told only where it is among the alternatives: of others what it is at most is known. */
  readonly listedAlone: boolean;
  /** What it told of the experts that the text's tokens were routed to. Absent: nothing. */
  readonly routing?: ServedRouting;
  /** Whether it returns the vectors that the unembedding reads, once it is asked for them. Absent: it does not. */
  readonly hiddenStates?: true;
}

/** Which experts an engine tells: their numbers, and neither their weights nor how many there are. */
export interface ServedRouting {
  /** The layers of which it tells experts, counted from the model's first. */
  readonly layers: readonly number[];
  /** Experts that each token is routed to in a layer. */
  readonly chosen: number;
  /** The layers have at least so many experts: the largest number told, plus 1. */
  readonly least: number;
}

/** Id of a place in a list of alternatives at which none was returned. */
export const NOT_RETURNED = -1;

/** Whether an id is the engine's own. Where it tells none, tokens are told apart by ids below 0. */
export function isTold(id: number): boolean {
  return id >= 0;
}

/** What the alternatives of one position, returned best first, say of the whole distribution. */
export interface ReturnedShare {
  /** Alternatives that were returned. */
  readonly count: number;
  /** Probability of all of them together; the rest, 1 - mass, was not returned. */
  readonly mass: number;
  /** The distribution's entropy in bits is at least this. */
  readonly leastEntropy: number;
}

/**
 * The share that was returned. No token of the rest is likelier than the last alternative, so the entropy is least where the rest consists
 * of as few tokens as that allows. How large it is at most depends on the size of the vocabulary, which engines do not tell.
 */
export function returnedShare(ids: ArrayLike<number>, probs: ArrayLike<number>, from: number, most: number): ReturnedShare {
  const known: number[] = [];
  for (let index = from; index < from + most && (ids[index] ?? NOT_RETURNED) !== NOT_RETURNED; index++) known.push(probs[index] ?? 0);
  const mass = Math.min(
    1,
    known.reduce((sum, p) => sum + p, 0),
  );
  const last = known.at(-1) ?? 0;
  if (last === 0) return { count: known.length, mass, leastEntropy: known.length === 0 ? Number.NaN : entropyBits(known) };
  const alike = Math.floor((1 - mass) / last);
  const leftOver = Math.max(0, 1 - mass - alike * last);
  return { count: known.length, mass, leastEntropy: entropyBits(known) - alike * last * Math.log2(last) + entropyBits([leftOver]) };
}
