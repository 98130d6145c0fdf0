import { CancelledError, UserError } from '../core/errors.ts';
import type { PromptedTokens } from '../core/promptedTokens.ts';
import { scoringWindows, type ScoringWindow, type WindowRule } from '../core/scoringWindows.ts';
import { strideOf } from '../core/textWindows.ts';
import type { Token, TokenizedText } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import { onAbort } from '../library/hub/pause.ts';
import { tokenOfId, type Alternative, type Protocol, type ScoredToken, type ScoreQuestion, type ServerToken } from './engineApi.ts';
import { scoreByPrompts } from './promptScores.ts';
import type { OnExperts } from './routedExperts.ts';
import { placeTokens } from './placedTokens.ts';

/** Longest window where the engine reads more at once: its numbers for each position are held in its memory together. */
export const MOST_WINDOW = 8192;

/** A tokenizer of the engine's model on this machine. */
export interface LocalTokenizer {
  readonly encode: (text: string) => TokenizedText | Promise<TokenizedText>;
  /** The tokens with what can be a prompt of them; absent where no text is read by requests with the texts before its tokens. */
  readonly prompted?: (text: string) => Promise<PromptedTokens>;
}

/** Settings of reading a text by an engine. */
export interface EngineTextOptions {
  readonly host: string;
  readonly signal: AbortSignal;
  /** Alternatives at each position. */
  readonly alternatives: number;
  /** Places tokens whose bytes the engine does not tell; its tokens must be the engine's. Null: none. */
  readonly tokenizer: LocalTokenizer | null;
  /** The tokenizer of the same model where it is at hand: asked for once the engine's own tokens cannot be placed. Null: there is none. */
  readonly atHand?: () => Promise<LocalTokenizer | null>;
  /** Tokens from a window to the next; null: half a window. */
  readonly stride: number | null;
  /** Called when windows are scored, with the share of the tokens, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Called before the first of so many requests, where each token takes one. Throwing keeps them from being sent. */
  readonly onRequests?: (requests: number) => void | Promise<void>;
  /** Called where the engine tells the experts of the tokens of a text that it reads at once. */
  readonly onExperts?: OnExperts;
}

/** A text as an engine reads it. `logprob` NaN and rank 0: nothing precedes the token, or its rank is not told. */
export interface EngineText {
  readonly tokens: readonly Token[];
  /** [N] the tokens as the engine told them. */
  readonly told: readonly ServerToken[];
  /** Null: the text was read at once. */
  readonly rule: WindowRule | null;
  /** [N] natural. */
  readonly logprob: Float32Array;
  readonly rank: Int32Array;
  /** [N] the likeliest tokens at each place, best first; empty where none were returned. */
  readonly top: readonly (readonly Alternative[])[];
}

/** The windows in which an engine reads texts; null where it does not tell its context. Throws UserError for a stride that leaves gaps. */
export function windowRule({ abilities, model }: Protocol, stride: number | null): WindowRule | null {
  const { contextLength } = abilities;
  if (contextLength === null) return null;
  // An engine generates a token at least, and counts it to what it reads.
  const length = Math.min(MOST_WINDOW, contextLength - 1);
  if (length < 2) throw new UserError(msg`${model} reads ${contextLength} token at once, so it predicts none.`);
  if (stride !== null && stride > length)
    throw new UserError(msg`${model} reads windows of ${length} tokens: ${stride} tokens apart, they would leave tokens out.`);
  return { length, stride: stride ?? strideOf(length) };
}

/**
 * Scores a text of any length: what an engine that takes ids cannot read at once by windows side by side, each token in the first window
 * that holds it. Throws UserError where the engine cannot score it or its tokens cannot be placed exactly.
 */
export async function readText(protocol: Protocol, text: string, options: EngineTextOptions): Promise<EngineText> {
  const { host, signal, tokenizer } = options;
  if (protocol.abilities.scores === 'none') throw scoresNone(protocol, host);
  if (text === '') return { tokens: [], told: [], rule: null, logprob: new Float32Array(), rank: new Int32Array(), top: [] };
  if (protocol.abilities.scores === 'texts') return readByPrompts(protocol, text, options);
  const known = (await tokenizer?.encode(text)) ?? null;
  const own = protocol.tokenize === null ? null : await protocol.tokenize(text, signal);
  if (known !== null && own !== null) checkSame(host, known, own);
  const ids = own === null ? (known?.ids ?? null) : Int32Array.from(own, ({ id }) => id ?? -1);
  const rule = windowRule(protocol, options.stride);
  const { scoreIds, scoreText } = protocol;
  if (scoreIds !== null && ids !== null && (scoreText === null || own !== null || known !== null)) {
    const windows = rule === null ? [{ begin: 0, end: ids.length, scoredFrom: 1 }] : scoringWindows(ids.length, rule);
    const scored = await byWindows(protocol, ids, windows, options);
    const told = own?.map((token, index) => joined(token, scored[index]?.token)) ?? [];
    const tokens = known?.tokens ?? (await placed(text, told, options));
    return textOf(tokens, scored, rule);
  }
  if (scoreText === null) throw new UserError(msg`${host} does not cut a text into tokens: a tokenizer of the same model would.`);
  if (rule !== null && ids !== null && ids.length > rule.length)
    throw new UserError(
      msg`${host} reads ${rule.length} tokens at once and takes no ids, so this text of ${ids.length} tokens cannot be read by windows.`,
    );
  const scored = await scoreText(text, { from: 1, alternatives: options.alternatives, signal, ...expertsAsked(options) });
  if (known !== null && protocol.abilities.ids)
    checkSame(
      host,
      known,
      scored.map(({ token }) => token),
    );
  const tokens =
    known !== null && protocol.abilities.ids
      ? known.tokens
      : await placed(
          text,
          scored.map(({ token }) => token),
          options,
        );
  options.onProgress?.(1);
  return textOf(tokens, scored, null);
}

/** Why an engine scores no text. */
export function scoresNone({ kind }: Pick<Protocol, 'kind'>, host: string): UserError {
  return new UserError(
    kind === 'lm studio'
      ? msg`${host} (${kind}) returns no probabilities of a text as it is given: /v1/completions has none, and /v1/responses, which has \
those of the answer, puts the text into the model’s chat template.`
      : msg`${host} (${kind}) returns no probabilities of a text that it is given, only of what it generates.`,
  );
}

/** The text by requests with the texts before its tokens. */
async function readByPrompts(protocol: Protocol, text: string, options: EngineTextOptions): Promise<EngineText> {
  const { host, tokenizer } = options;
  if (tokenizer?.prompted === undefined)
    throw new UserError(
      msg`${host} (${protocol.kind}) returns the likeliest next tokens alone, so that the bits of a whole text are not known: \
explain it in the editor, where each token has what is known of it.`,
    );
  const cut = await tokenizer.prompted(text);
  return textOf(cut.tokens, await scoreByPrompts(protocol, text, cut, options), null);
}

/** The tokens in their places: by what the engine tells of them, else by the tokenizer that is at hand, whose ids must be the engine's. */
export async function placed(text: string, told: readonly ServerToken[], { host, atHand }: EngineTextOptions): Promise<readonly Token[]> {
  try {
    return placeTokens(text, told, host);
  } catch (error) {
    const tokenizer = told.some(({ id }) => id === null) ? null : await atHand?.();
    if (!tokenizer) throw error;
    const cut = await tokenizer.encode(text);
    checkSame(host, cut, told);
    return cut.tokens;
  }
}

/** What is known of a token from two answers. */
export function joined(cut: ServerToken, scored: ServerToken | undefined): ServerToken {
  return {
    id: cut.id,
    bytes: cut.bytes ?? scored?.bytes ?? null,
    entry: cut.entry ?? scored?.entry ?? null,
    text: cut.text ?? scored?.text ?? null,
  };
}

function checkSame(host: string, { ids }: TokenizedText, own: readonly ServerToken[]): void {
  const differs = own.findIndex(({ id }, index) => id !== ids[index]);
  const from = differs === -1 ? Math.min(own.length, ids.length) : differs;
  if (differs !== -1 || own.length !== ids.length)
    throw new UserError(msg`The tokenizer is not that of the model at ${host}: its tokens are others from token ${from} on.`);
}

async function byWindows(
  { scoreIds, abilities }: Protocol,
  ids: Int32Array,
  windows: readonly ScoringWindow[],
  options: EngineTextOptions,
): Promise<readonly ScoredToken[]> {
  const { signal, alternatives, onProgress, onRequests } = options;
  const all = windows.reduce((sum, { scoredFrom, end }) => sum + Math.max(0, end - scoredFrom), 0);
  if (abilities.scores === 'requests') await onRequests?.(all);
  // What fails ends the others: their answers would be for nothing.
  const ending = new AbortController();
  if (signal.aborted) throw new CancelledError();
  const off = onAbort(signal, () => ending.abort());
  let done = 0;
  const read = async ({ begin, end, scoredFrom }: ScoringWindow): Promise<readonly ScoredToken[]> => {
    if (scoreIds === null) return [];
    let told = 0;
    const onRequest = (count: number): void => {
      done += count - told;
      told = count;
      onProgress?.(done / all);
    };
    const from = scoredFrom - begin;
    const experts = windows.length === 1 ? expertsAsked(options) : {};
    const scored = await scoreIds(ids.subarray(begin, end), { from, alternatives, signal: ending.signal, onRequest, ...experts });
    onRequest(Math.max(0, end - scoredFrom));
    // Of the first window also the token that nothing precedes.
    return scored.slice(begin === 0 ? 0 : from);
  };
  try {
    const parts = await Promise.all(windows.map(read));
    return withoutOverlap(parts, windows, ids);
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    throw error;
  } finally {
    off();
    ending.abort();
  }
}

/** That the experts of tokens are wanted, where they are. */
export function expertsAsked({ onExperts }: EngineTextOptions): Pick<ScoreQuestion, 'onExperts'> {
  return onExperts === undefined ? {} : { onExperts };
}

/** The scores of all tokens in order. Windows without overlap leave the first token of each unscored. */
function withoutOverlap(
  parts: readonly (readonly ScoredToken[])[],
  windows: readonly ScoringWindow[],
  ids: Int32Array,
): readonly ScoredToken[] {
  const all: ScoredToken[] = Array.from(ids, (id) => ({
    token: tokenOfId(id),
    logprob: Number.NaN,
    rank: 0,
    top: [],
  }));
  for (const [index, { begin, scoredFrom }] of windows.entries())
    for (const [i, scored] of (parts[index] ?? []).entries()) all[(begin === 0 ? 0 : scoredFrom) + i] = scored;
  return all;
}

/** What an engine told of tokens, by how it scored them. */
export function textOf(tokens: readonly Token[], scored: readonly ScoredToken[], rule: WindowRule | null): EngineText {
  return {
    tokens,
    told: scored.map(({ token }) => token),
    rule,
    logprob: Float32Array.from(scored, ({ logprob }) => logprob),
    rank: Int32Array.from(scored, ({ rank }) => rank),
    top: scored.map(({ top }) => top),
  };
}
