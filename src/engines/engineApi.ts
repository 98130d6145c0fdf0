import type { SamplingSettings } from '../core/sampling.ts';
import type { Tensor } from '../core/tensor.ts';
import type { OnExperts } from './routedExperts.ts';

/** Protocols of engines, by the names of the programs that speak them. */
export type EngineKind = 'vllm' | 'sglang' | 'tgi' | 'llama.cpp' | 'ollama' | 'lm studio' | 'openai-compatible';

/** One request to an engine. Redirects are not followed by what sends it. */
export interface EngineRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON; null for a GET. */
  readonly body: object | null;
  /** Largest answer in bytes; reading ends with an error beyond it. */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

/** A whole answer. */
export interface EngineReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** Sends one request. Throws Transient where the connection fails, UserError for a certificate that fails, and CancelledError. */
export type Send = (request: EngineRequest) => Promise<EngineReply>;

/** How an engine scores a text that it is given. */
export type ScoringWay =
  /** One request returns the log-probabilities of the whole prompt. */
  | 'prompt'
  /** The engine returns those of generated tokens only: each token of the text takes a request of its own over a cached prompt. */
  | 'requests'
  /**
   * It neither takes nor tells ids, and returns no more than some alternatives: each token takes a request with the text before it, cut by
   * the model's own tokenizer on this machine. Of a token that is not among the alternatives, only what it is at most is known.
   */
  | 'texts'
  /** It returns too little to score a given text. */
  | 'none';

/** What an engine can do with a text, by what it said of itself and by what its protocol has. */
export interface EngineAbilities {
  readonly scores: ScoringWay;
  /** Most alternatives that it returns for a position; 0: none. */
  readonly alternatives: number;
  /** Whether it tells the ids of tokens. */
  readonly ids: boolean;
  /** Whether a prompt may be given as ids, so that a text longer than the context is read by windows. */
  readonly takesIds: boolean;
  /** Tokens that it reads at once; null: it does not say. */
  readonly contextLength: number | null;
  /** Parameters of the model; null: it does not say. */
  readonly parameters: number | null;
  /**
   * Whether it tells the experts that tokens are routed to: when asked (`asked`), with every answer where it was started to (`unasked`),
   * or not. Absent: not.
   */
  readonly experts?: 'asked' | 'unasked';
  /** Whether it returns the vectors that the unembedding reads. Absent: it does not. */
  readonly hiddenStates?: true;
}

/** A token as an engine tells it; what it does not tell is null. */
export interface ServerToken {
  readonly id: number | null;
  /** Its bytes. */
  readonly bytes: Uint8Array | null;
  /** Its text as decoded alone: what is no whole character is U+FFFD. */
  readonly text: string | null;
  /** Its entry in the vocabulary, such as "Ġthe" or "▁the". */
  readonly entry: string | null;
}

/** A token that may stand at a place, and its log-probability (natural). */
export interface Alternative {
  readonly token: ServerToken;
  readonly logprob: number;
}

/** A token of a prompt with what the engine gave it. */
export interface ScoredToken extends Alternative {
  /** 1 = the first choice; 0 = not told. `logprob` is NaN where nothing precedes the token. */
  readonly rank: number;
  /** The likeliest tokens at its place, best first; as many as were returned. */
  readonly top: readonly Alternative[];
}

/** A generated token. */
export type GeneratedToken = Omit<ScoredToken, 'rank'>;

/** What may follow a prompt. */
export interface NextTokens {
  /** The likeliest, best first, as many as the engine returns. Bytes are null where they are not told exactly. */
  readonly top: readonly Alternative[];
  /** The prompt's tokens as the engine counts them: with those that it remembers, or without. Empty: it does not say. */
  readonly read: readonly number[];
}

/** Settings of a generation on an engine. */
export interface EngineSampling extends SamplingSettings {
  readonly seed: number;
  /** Most tokens to generate. */
  readonly tokens: number;
  /** Alternatives asked for at each step. */
  readonly alternatives: number;
}

/** A generation. */
export interface EngineGeneration {
  readonly text: string;
  /** Empty where the engine returns no log-probabilities. */
  readonly tokens: readonly GeneratedToken[];
  /** Why it ended, in the engine's word; null: it does not say. */
  readonly end: string | null;
}

/** What is asked of a prompt's tokens. */
export interface ScoreQuestion {
  /** The first token whose numbers are wanted, at least 1. Engines that answer for the whole prompt may ignore it. */
  readonly from: number;
  readonly alternatives: number;
  readonly signal: AbortSignal;
  /** Called after each request of several. */
  readonly onRequest?: (done: number) => void;
  /** Called where the engine tells the experts that the prompt's tokens were routed to. Absent: they are not asked for. */
  readonly onExperts?: OnExperts;
}

/** A protocol spoken with one engine about one model. Functions that the engine does not have are null. */
export interface Protocol {
  readonly kind: EngineKind;
  readonly model: string;
  /** Version of the program; null: it does not say. */
  readonly version: string | null;
  readonly abilities: EngineAbilities;
  /** The tokens of a text, with those that the engine puts around it. */
  readonly tokenize: ((text: string, signal: AbortSignal) => Promise<readonly ServerToken[]>) | null;
  /** The tokens of a prompt given as text. */
  readonly scoreText: ((text: string, question: ScoreQuestion) => Promise<readonly ScoredToken[]>) | null;
  /** The tokens of a prompt given as ids: as many as there are ids. */
  readonly scoreIds: ((ids: Int32Array, question: ScoreQuestion) => Promise<readonly ScoredToken[]>) | null;
  /**
   * The vectors [N, D] of the last layer that the unembedding reads, of a prompt given as ids. Absent: it does not return them. Throws
   * UserError where they are not those of all tokens.
   */
  readonly hiddenStates?: (ids: Int32Array, signal: AbortSignal) => Promise<Tensor>;
  /** What may follow a prompt given as text, by the model's probabilities before any sampling. */
  readonly next: ((text: string, signal: AbortSignal) => Promise<NextTokens>) | null;
  /** SHA-256 of the file of its weights, in lower-case hexadecimal; null: it does not say. */
  readonly weights: string | null;
  /** What it writes after a prompt, which may be ids where it takes them. */
  readonly generate: (prompt: string | Int32Array, sampling: EngineSampling, signal: AbortSignal) => Promise<EngineGeneration>;
}

/** A token of which nothing is known but its id. */
export function tokenOfId(id: number): ServerToken {
  return { id, bytes: null, text: null, entry: null };
}

/** A prompt for an engine that takes texts alone: its abilities say so. */
export function textOnly(prompt: string | Int32Array): string {
  if (typeof prompt === 'string') return prompt;
  throw new Error('This engine takes no ids.');
}
