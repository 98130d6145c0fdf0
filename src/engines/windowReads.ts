import { CancelledError, UserError } from '../core/errors.ts';
import type { PartScores, TextLayout } from '../core/fileScores.ts';
import { emptyTokens, type PackedTokens } from '../core/packedTokens.ts';
import { scoringWindows, type ScoringWindow, type WindowRule } from '../core/scoringWindows.ts';
import type { Token } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import { onAbort } from '../library/hub/pause.ts';
import type { Protocol, ScoredToken } from './engineApi.ts';
import { readText, windowRule } from './engineText.ts';
import { placeTokens } from './placedTokens.ts';

/** The windows of a long text, read side by side by an engine: those after the one that is asked for are asked for ahead. */
export interface WindowReads {
  /** The text's tokens and windows. Throws UserError where the engine cannot read it by windows. */
  readonly layOut: (
    text: string,
    stride: number | null,
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ) => Promise<Omit<TextLayout, 'model'>>;
  /** Scores of the tokens `from` to `to`, exclusive, of a beginning of a window of that text. */
  readonly scores: (
    ids: ArrayLike<number>,
    part: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ) => Promise<PartScores>;
  /** Whether tokens are a beginning of one of its windows. */
  readonly holds: (ids: ArrayLike<number>) => boolean;
  /** Takes back the requests that are open; what was answered is kept. */
  readonly cancel: () => void;
  readonly end: () => void;
}

/** The reading of one text. `parallel`: windows that are asked for at once. */
export function windowReads(protocol: Protocol, host: string, parallel: number): WindowReads {
  const { abilities, tokenize, scoreIds } = protocol;
  let ids: Int32Array = new Int32Array();
  let windows: readonly ScoringWindow[] = [];
  /** By window. */
  const known = new Map<number, Reading>();
  let open = new AbortController();

  const laidOut = (tokens: readonly Token[], rule: WindowRule, read: number): Omit<TextLayout, 'model'> => {
    const packed = packedOf(tokens);
    ids = packed.ids;
    windows = scoringWindows(ids.length, rule);
    known.clear();
    // An engine chooses how positions are rotated when it starts, not by the length of a text.
    return { tokens: packed, rule, startsAlike: true, read };
  };
  const readWindow = (index: number): Promise<readonly ScoredToken[]> => {
    const window = windows[index];
    if (window === undefined || scoreIds === null) return Promise.resolve([]);
    const before = known.get(index);
    if (before) return before.scored;
    const from = Math.max(1, window.scoredFrom - window.begin);
    const scored = scoreIds(ids.subarray(window.begin, window.end), { from, alternatives: 0, signal: open.signal });
    const reading: Reading = { scored, isAnswered: false };
    known.set(index, reading);
    const settled = async (): Promise<void> => {
      try {
        await scored;
        reading.isAnswered = true;
      } catch {
        // It is asked for again where it is wanted still.
        if (known.get(index) === reading) known.delete(index);
      }
    };
    void settled();
    return scored;
  };
  const cancel = (): void => {
    open.abort();
    open = new AbortController();
    for (const [index, { isAnswered }] of known) if (!isAnswered) known.delete(index);
  };
  const windowOf = (asked: ArrayLike<number>): number =>
    windows.findIndex(({ begin, end }) => isBeginning(asked, ids.subarray(begin, end)));

  return {
    layOut: async (text, stride, signal, onProgress) => {
      if (abilities.scores !== 'prompt')
        throw new UserError(
          msg`${host} (${protocol.kind}) returns probabilities of what it generates alone, so a whole file would take a request \
for each of its tokens: explain a part of it.`,
        );
      if (tokenize === null || scoreIds === null)
        throw new UserError(
          msg`${host} (${protocol.kind}) takes no ids of tokens, so a file cannot be read by windows: explain a part of it.`,
        );
      const told = await tokenize(text, signal);
      const rule = windowRule(protocol, stride) ?? { length: Math.max(2, told.length), stride: Math.max(2, told.length) };
      if (told.every(({ bytes, entry, text: own }) => bytes !== null || entry !== null || own !== null))
        return laidOut(placeTokens(text, told, host), rule, text.length);
      // What tokens spell is told with their scores alone: the text is read at once.
      const read = await readText(protocol, text, { host, signal, alternatives: 0, tokenizer: null, stride, onProgress });
      const layout = laidOut(read.tokens, rule, text.length);
      for (const [index, { begin, end }] of windows.entries()) {
        const scored = read.told.slice(begin, end).map((token, i) => ({
          token,
          logprob: read.logprob[begin + i] ?? Number.NaN,
          rank: read.rank[begin + i] ?? 0,
          top: [],
        }));
        known.set(index, { scored: Promise.resolve(scored), isAnswered: true });
      }
      return layout;
    },
    scores: async (asked, { from, to }, signal) => {
      const index = windowOf(asked);
      if (index === -1) throw new Error('These tokens are no beginning of a window of the text that was laid out.');
      const off = onAbort(signal, cancel);
      try {
        const reading = readWindow(index);
        for (let ahead = 1; ahead < parallel; ahead++) void readWindow(index + ahead).catch(() => undefined);
        const scored = (await reading).slice(from, to);
        return {
          logprob: Float32Array.from(scored, ({ logprob }) => logprob),
          rank: Int32Array.from(scored, ({ rank }) => rank),
          entropy: new Float32Array(scored.length).fill(Number.NaN),
        };
      } catch (error) {
        throw signal.aborted ? new CancelledError() : error;
      } finally {
        off();
      }
    },
    holds: (asked) => windowOf(asked) !== -1,
    cancel,
    end: () => {
      cancel();
      known.clear();
      windows = [];
    },
  };
}

interface Reading {
  readonly scored: Promise<readonly ScoredToken[]>;
  isAnswered: boolean;
}

function isBeginning(asked: ArrayLike<number>, window: Int32Array): boolean {
  if (asked.length > window.length) return false;
  for (let index = 0; index < asked.length; index++) if (asked[index] !== window[index]) return false;
  return true;
}

function packedOf(tokens: readonly Token[]): PackedTokens {
  const packed = emptyTokens(tokens.length);
  for (const [index, { id, start, end, bytes, special, partial }] of tokens.entries()) {
    packed.ids[index] = id;
    packed.start[index] = start;
    packed.end[index] = end;
    packed.bytes[index] = bytes.length;
    packed.special[index] = special ? 1 : 0;
    packed.partial[index] = partial ? 1 : 0;
  }
  return packed;
}
