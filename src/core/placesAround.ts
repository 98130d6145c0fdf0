/** A place of a text, [start, end) in UTF-16 units. */
export interface TextPlace {
  readonly start: number;
  readonly end: number;
}

/**
 * The next place after the one that begins at `cursor`, or the one before it; beyond the last comes the first, and the other way round.
 * `places` are in order. Undefined: there is none.
 */
export function neighbourPlace(places: readonly TextPlace[], cursor: number, direction: 'next' | 'previous'): TextPlace | undefined {
  return direction === 'next'
    ? (places.find(({ start }) => start > cursor) ?? places[0])
    : (places.findLast(({ start }) => start < cursor) ?? places.at(-1));
}
