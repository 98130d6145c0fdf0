import type { Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import type { ContextPick } from '../viewSettings.ts';

/** A token that occurs in both texts, with its positions in each; within one text, a token that occurs twice. */
export interface SharedToken {
  readonly id: number;
  readonly text: string;
  readonly first: readonly number[];
  readonly second: readonly number[];
}

/** Tokens that occur in both texts, or twice in the first (`second` null), longest words first. Tokens added to the text do not count. */
export function sharedTokens(first: readonly Token[], second: readonly Token[] | null): readonly SharedToken[] {
  const places = placesById(first);
  const others = second === null ? places : placesById(second);
  const shared: SharedToken[] = [];
  for (const [id, own] of places) {
    const other = others.get(id) ?? [];
    const token = first[own[0] ?? -1];
    if (token !== undefined && (second === null ? own.length > 1 : other.length > 0))
      shared.push({ id, text: visibleToken(token), first: own, second: other });
  }
  return shared.sort((a, b) => letters(b.text) - letters(a.text) || (a.first[0] ?? 0) - (b.first[0] ?? 0));
}

/**
 * The pick if it still holds; otherwise the first and last place of the selected token, or else of the longest word. Null without shared
 * tokens.
 */
export function validPick(
  shared: readonly SharedToken[],
  pick: ContextPick | null,
  selected: number | null,
  sameText: boolean,
): ContextPick | null {
  const found = pick === null ? undefined : shared.find(({ id }) => id === pick.id);
  if (
    pick !== null &&
    found?.first.includes(pick.first) === true &&
    found.second.includes(pick.second) &&
    !(sameText && pick.first === pick.second)
  )
    return pick;
  const token = found ?? shared.find(({ first }) => selected !== null && first.includes(selected)) ?? shared[0];
  const [first] = token?.first ?? [];
  const second = sameText ? token?.second.at(-1) : token?.second[0];
  return token === undefined || first === undefined || second === undefined ? null : { id: token.id, first, second };
}

/** A token with its neighbours, to tell its occurrences apart: …a·red [·apple] ·after… */
export function snippet(tokens: readonly Token[], index: number, around = 3): string {
  const text = (from: number, to: number): string =>
    tokens
      .slice(Math.max(0, from), to)
      .filter(({ special }) => !special)
      .map(visibleToken)
      .join('');
  const before = text(index - around, index);
  const after = text(index + 1, index + 1 + around);
  const [start, end] = [index > around ? '…' : '', index + 1 + around < tokens.length ? '…' : ''];
  return `${index}: ${start}${before} [${text(index, index + 1)}] ${after}${end}`;
}

function placesById(tokens: readonly Token[]): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, number[]>();
  for (const { id, index, special } of tokens) {
    if (special) continue;
    const known = places.get(id);
    if (known === undefined) places.set(id, [index]);
    else known.push(index);
  }
  return places;
}

function letters(text: string): number {
  return text.match(/\p{L}/gu)?.length ?? 0;
}
