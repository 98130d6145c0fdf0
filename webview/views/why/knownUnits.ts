import { unitsOf, type TextUnit, type TokenRun } from '../../../src/core/textUnits.ts';
import { changeDetector } from '../../parts/dom.ts';
import type { ViewState } from '../../state.ts';

/** The units of a text up to a position; for the same ones the same list, as views compare them. */
export function knownUnits(): (state: ViewState, unit: TextUnit, position: number) => readonly TokenRun[] {
  const changed = changeDetector();
  let known: readonly TokenRun[] = [];
  return ({ shown }, unit, position) => {
    if (!changed(shown, unit, position) || shown === null) return known;
    const { tokens, text } = shown.explanation;
    known = unitsOf(tokens.slice(0, position + 1), text, unit);
    return known;
  };
}
