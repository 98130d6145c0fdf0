import { vscode } from '../vscode.ts';
import { SURPRISAL_LEVELS } from '../../core/surprisalScale.ts';
import { createDecoration, ownColor } from './levelRanges.ts';

/** Underlines that tell levels apart without colour; none for expected tokens. */
const UNDERLINES = ['none', 'none', 'dotted', 'dashed', 'solid'] as const;

/** Decorations of surprisal. */
export interface SurprisalTypes {
  readonly levels: readonly vscode.TextEditorDecorationType[];
  /** The levels of numbers that are from before: underlines alone. */
  readonly faded: readonly vscode.TextEditorDecorationType[];
  /** Text that was edited since it was read. */
  readonly stale: vscode.TextEditorDecorationType;
}

/** Creates the decorations. `own`: takes each into its owner's keeping; `ruler`: whether the highest level is in the overview ruler too. */
export function surprisalTypes(
  own: (type: vscode.TextEditorDecorationType) => vscode.TextEditorDecorationType,
  ruler: boolean,
): SurprisalTypes {
  const levels = Array.from({ length: SURPRISAL_LEVELS }, (_, level) => level);
  return {
    levels: levels.map((level) =>
      own(
        createDecoration({
          backgroundColor: ownColor(`surprisal${level + 1}`),
          ...underline(level),
          ...(ruler && level === SURPRISAL_LEVELS - 1 ? rulerMark() : {}),
        }),
      ),
    ),
    faded: levels.map((level) => own(createDecoration(underline(level)))),
    stale: own(createDecoration({ color: ownColor('staleToken'), textDecoration: 'underline wavy' })),
  };
}

/** A mark of a surprising token in the overview ruler. */
export function rulerMark(): vscode.DecorationRenderOptions {
  return { overviewRulerColor: ownColor('surprisal5'), overviewRulerLane: vscode.OverviewRulerLane.Right };
}

function underline(level: number): vscode.DecorationRenderOptions {
  const style = UNDERLINES[level] ?? 'none';
  const borderWidth = level === SURPRISAL_LEVELS - 1 ? '0 0 2px 0' : '0 0 1px 0';
  return style === 'none' ? {} : { borderStyle: style, borderWidth, borderColor: ownColor('surprisalMark') };
}
