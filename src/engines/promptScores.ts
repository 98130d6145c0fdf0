import { UserError } from '../core/errors.ts';
import type { PromptedTokens } from '../core/promptedTokens.ts';
import { msg } from '../core/translatable.ts';
import type { Alternative, NextTokens, Protocol, ScoredToken } from './engineApi.ts';

/** Settings of scoring a text by the texts before its tokens. */
export interface PromptScoring {
  readonly host: string;
  readonly signal: AbortSignal;
  /** Alternatives kept of each position. */
  readonly alternatives: number;
  /** Called with the share of the requests that were answered. */
  readonly onProgress?: (share: number) => void;
  /** Called before the first of so many requests; rejecting keeps them from being sent. */
  readonly onRequests?: (requests: number) => void | Promise<void>;
}

/** What is left of the probabilities may have been rounded away by so much. */
const ROUNDED = 1e-5;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Scores a text by an engine that neither takes nor tells ids: each token is looked for by its bytes among the likeliest tokens after the
 * text before it. Of one that is not among them, `logprob` is the most that it can be, and its rank is 0; NaN where the text before it
 * cannot be a prompt. The engine tells how many tokens each prompt has: where the tokenizer's are others, it is not the model's. Throws
 * UserError for that, and where the engine leaves alternatives out.
 */
export async function scoreByPrompts(
  { next, kind, abilities }: Protocol,
  text: string,
  { ids, tokens, prompted }: PromptedTokens,
  { host, signal, alternatives, onProgress, onRequests }: PromptScoring,
): Promise<readonly ScoredToken[]> {
  if (next === null) throw new Error(`${kind} does not tell what may follow a text.`);
  const asked = async (prompt: string, count: number): Promise<readonly Alternative[]> => {
    const answer = await next(prompt, signal);
    checkRead(host, answer, count);
    if (answer.top.length < abilities.alternatives)
      throw new UserError(
        msg`${host} returns ${answer.top.length} alternatives where ${abilities.alternatives} were asked for: what is left of the \
probabilities is not the model’s own.`,
      );
    return answer.top;
  };
  const all = prompted.reduce((sum, each) => sum + each, 0);
  await asked(text, ids.length);
  await onRequests?.(all);
  const scored: ScoredToken[] = [];
  let done = 0;
  for (const [index, { start, bytes }] of tokens.entries()) {
    const id = ids[index] ?? -1;
    const own = Uint8Array.from(bytes);
    const token = { id, bytes: own, text: null, entry: null };
    if (prompted[index] !== 1) {
      scored.push({ token, logprob: Number.NaN, rank: 0, top: [] });
      continue;
    }
    const top = await asked(text.slice(0, start), index);
    const found = foundAmong(top, own);
    // The alternative that is the token has its id.
    const named = top.map((each, place) => (place === found.rank - 1 ? { ...each, token: { ...each.token, id } } : each));
    scored.push({ token, ...found, top: named.slice(0, alternatives) });
    onProgress?.(++done / all);
  }
  return scored;
}

/** Throws UserError unless the engine read as many tokens as the tokenizer has. */
function checkRead(host: string, { read }: NextTokens, count: number): void {
  const [told] = read;
  if (told === undefined) throw new UserError(msg`${host} does not tell how many tokens it read, so that they cannot be checked.`);
  if (!read.includes(count))
    throw new UserError(
      msg`${host} read ${told} tokens where the model’s file on this machine has ${count}: its tokens are others, or the text is \
longer than it reads at once.`,
    );
}

/** The alternative that spells a token, best first; where none does, the most that the token's log-probability can be. */
export function foundAmong(top: readonly Alternative[], bytes: Uint8Array): Pick<ScoredToken, 'logprob' | 'rank'> {
  const spelt = top.flatMap(({ token }, place) => (isSame(token.bytes, bytes) ? [place] : []));
  const [place] = spelt;
  const whole = isText(bytes);
  if (whole && place !== undefined && spelt.length === 1) return { logprob: top[place]?.logprob ?? Number.NaN, rank: place + 1 };
  const rest = 1 - top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
  const unlisted = Math.min(top.at(-1)?.logprob ?? 0, Math.log(Math.max(ROUNDED, rest)));
  // It may be one whose bytes are not told, as those of parts of characters, or one of several that spell the same.
  const unsure = top.filter(({ token }, at) => spelt.includes(at) || (!whole && token.bytes === null)).map(({ logprob }) => logprob);
  return { logprob: Math.min(0, Math.max(unlisted, ...unsure)), rank: 0 };
}

function isSame(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Whether bytes are whole characters, other than the one that stands for bytes that are none. */
function isText(bytes: Uint8Array): boolean {
  try {
    return !decoder.decode(bytes).includes('\ufffd');
  } catch {
    return false;
  }
}
