import type { TokenRun } from '../../src/core/textUnits.ts';
import type { Token } from '../../src/core/trace.ts';

/** Units as tokens, to be shown like these: numbered from 0, with the text of all their tokens. */
export function unitTokens(tokens: readonly Token[], units: readonly TokenRun[]): readonly Token[] {
  return units.flatMap(({ first, end }, index): readonly Token[] => {
    const own = tokens.slice(first, end);
    const [one] = own;
    if (one === undefined) return [];
    if (own.length === 1) return [{ ...one, index }];
    const bytes = own.flatMap((token) => token.bytes);
    const text = own.map((token) => token.text).join('');
    return [{ ...one, index, text, bytes, end: own.at(-1)?.end ?? one.end, partial: false }];
  });
}
