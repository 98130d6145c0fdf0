import { UserError } from '../core/errors.ts';
import { NOT_RETURNED } from '../core/servedBy.ts';
import { wholeCharacters } from '../core/textSpans.ts';
import type { Explanation, ReadWindow } from '../core/trace.ts';
import type { Alternative, Protocol, ServerToken } from './engineApi.ts';
import { MOST_WINDOW, readText, type EngineText, type EngineTextOptions } from './engineText.ts';
import { readWindow, windowAt, type EngineWindow } from './engineWindows.ts';
import { NO_ID } from './placedTokens.ts';
import type { RoutedExperts } from './routedExperts.ts';

/** A text as far as an engine reads it at once. */
export interface EngineReading {
  readonly read: EngineText;
  /** Where the part that was read begins and ends, in UTF-16 units. */
  readonly start: number;
  readonly stop: number;
  /** The window that was read; null: the text, or as much of its beginning as the engine reads at once. */
  readonly window: ReadWindow | null;
  /** What may follow the text, best first; empty where the engine does not return it. */
  readonly after: readonly Alternative[];
  /** The experts that the tokens were routed to, or why what the engine told of them cannot be used; null: it told nothing. */
  readonly experts: RoutedExperts | UserError | null;
  /** Milliseconds in which the engine answered. */
  readonly ms: number;
}

/** Settings of a reading. */
export interface EngineReadingOptions extends Omit<EngineTextOptions, 'stride' | 'onRequests' | 'onExperts'> {
  /** Called where each token takes a request: how many, and the milliseconds of one. Rejecting keeps them from being sent. */
  readonly agree: (requests: number, ms: number) => Promise<void>;
  /** Of a text that is read by windows, the one that holds this UTF-16 offset is read; absent: the first. */
  readonly at?: number;
}

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0, tokens: 1 };
/** Rounds in which a text is cut until it fits: each takes away what was too much, so one or two do. */
const MOST_CUTS = 16;

/** Reads a text, or the window wanted of it, and what may follow that. Throws as `readText` does. */
export async function readAtOnce(protocol: Protocol, text: string, options: EngineReadingOptions): Promise<EngineReading> {
  const { signal, alternatives, agree } = options;
  const part = await partOf(protocol, text, options);
  const own = text.slice(part.start, part.stop);
  const began = performance.now();
  const prompt = part.window === null ? own : part.window.ids;
  const following = followingOf(protocol, prompt, alternatives, signal);
  const asked = protocol.abilities.scores === 'prompt' ? null : await following;
  const oneMs = performance.now() - began;
  let waited = 0;
  const onRequests = async (requests: number): Promise<void> => {
    const from = performance.now();
    await agree(requests, oneMs);
    waited = performance.now() - from;
  };
  const heard: (RoutedExperts | UserError)[] = [];
  const settings = { ...options, stride: null, onRequests, onExperts: (told: RoutedExperts | UserError) => void heard.push(told) };
  const reading = part.window === null ? readText(protocol, own, settings) : readWindow(protocol, part.window, settings);
  const [read, after] = await Promise.all([reading, asked ?? following]);
  return {
    ...part,
    read,
    window: part.window?.window ?? null,
    after,
    experts: heard.at(-1) ?? null,
    ms: performance.now() - began - waited,
  };
}

/** What is read of a text. */
interface ReadPart {
  readonly start: number;
  readonly stop: number;
  readonly window: EngineWindow | null;
}

/**
 * The whole of a text where it fits, or the engine does not say how much does; else the wanted window, or its beginning where it cannot be
 * read by windows.
 */
async function partOf(protocol: Protocol, text: string, options: EngineReadingOptions): Promise<ReadPart> {
  const { abilities, tokenize } = protocol;
  const { contextLength } = abilities;
  const { signal, tokenizer, at = 0 } = options;
  let stop = text.length;
  if (contextLength === null || (tokenize === null && tokenizer === null)) return { start: 0, stop, window: null };
  // An engine generates a token at least, and counts it to what it reads.
  const most = Math.min(MOST_WINDOW, contextLength - 1);
  for (let cut = 0; cut < MOST_CUTS; cut++) {
    const beginning = text.slice(0, stop);
    const told = tokenizer === null ? ((await tokenize?.(beginning, signal)) ?? []) : null;
    const count = told?.length ?? (await tokenizer?.encode(beginning))?.ids.length ?? 0;
    if (count <= most) break;
    const found =
      cut === 0 && told !== null && most > 1 ? await windowAt(text, told, { at, most }, protocol, { ...options, stride: null }) : null;
    const window = found?.window.windows[found.window.index];
    if (found !== null && window !== undefined) return { start: window.start, stop: window.stop, window: found };
    stop = wholeCharacters(text, Math.max(1, Math.min(stop - 1, Math.floor((stop * most) / count))));
  }
  return { start: 0, stop, window: null };
}

async function followingOf(
  { generate, abilities }: Protocol,
  prompt: string | Int32Array,
  most: number,
  signal: AbortSignal,
): Promise<readonly Alternative[]> {
  const alternatives = Math.min(most, abilities.alternatives);
  if (alternatives === 0) return [];
  try {
    return (await generate(prompt, { ...GREEDY, alternatives }, signal)).tokens[0]?.top ?? [];
  } catch (error) {
    // What it says of the text itself is worth showing without it.
    if (error instanceof UserError) return [];
    throw error;
  }
}

/** Predictions of a text in the form in which a model here gives them: row i has what may follow token i. */
export type ReturnedPredictions = Pick<
  Explanation,
  'tokens' | 'logprob' | 'rank' | 'entropy' | 'topK' | 'topIds' | 'topProbs' | 'pieces'
> & { readonly ids: Int32Array };

/** What an engine returned, by position. Where it tells no ids, tokens have ids below 0: the same token always the same one. */
export function returnedPredictions({ read, after }: Pick<EngineReading, 'read' | 'after'>): ReturnedPredictions {
  const idOf = tokenIds();
  const rows = [...read.top.slice(1), after];
  const topK = rows.reduce((most, { length }) => Math.max(most, length), 0);
  const topIds = new Int32Array(rows.length * topK).fill(NOT_RETURNED);
  const topProbs = new Float32Array(rows.length * topK);
  const pieces: Record<number, string> = {};
  const ids = Int32Array.from(read.told, idOf);
  const tokens = read.tokens.map((token, index) => ({ ...token, id: ids[index] ?? NO_ID }));
  for (const [position, row] of rows.entries())
    for (const [place, { token, logprob }] of row.entries()) {
      const id = idOf(token);
      topIds[position * topK + place] = id;
      topProbs[position * topK + place] = Math.exp(logprob);
      pieces[id] ??= pieceOf(token);
    }
  const { logprob, rank } = read;
  return { ids, tokens, logprob, rank, entropy: new Float32Array(tokens.length).fill(Number.NaN), topK, topIds, topProbs, pieces };
}

/** Ids of tokens: the engine's own, or, where it tells none, one below `NOT_RETURNED` for each that spells something else. */
function tokenIds(): (token: ServerToken) => number {
  const known = new Map<string, number>();
  return (token) => {
    if (token.id !== null) return token.id;
    const name = token.bytes === null ? `text ${token.text ?? token.entry ?? ''}` : `bytes ${token.bytes.join()}`;
    const id = known.get(name) ?? NOT_RETURNED - 1 - known.size;
    known.set(name, id);
    return id;
  };
}

/** A token's text as decoded alone. */
export function pieceOf({ text, bytes, entry }: ServerToken): string {
  return text ?? (bytes === null ? (entry ?? '') : new TextDecoder().decode(bytes));
}
