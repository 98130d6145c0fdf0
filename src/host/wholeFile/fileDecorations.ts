import { vscode } from '../vscode.ts';
import { READ } from '../../core/fileScores.ts';
import { firstTokenBeyond } from '../../core/packedTokens.ts';
import { surprisingTokens } from '../../core/surprising.ts';
import { SURPRISAL_LEVELS, surprisalLevel, surprisalMeasure, surprisalSteps } from '../../core/surprisalScale.ts';
import { originalNear } from '../../core/textEdits.ts';
import { onSettingChange, readSettings } from '../configuration.ts';
import { Disposable } from '../disposable.ts';
import { createDecoration, REPAINT_AFTER_MS } from '../editor/levelRanges.ts';
import { paintedRanges, type PaintedRange, type PlacedToken } from '../editor/surprisal.ts';
import { rulerMark, surprisalTypes, type SurprisalTypes } from '../editor/surprisalTypes.ts';
import type { Overlays } from '../editor/overlays.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Later } from '../later.ts';
import type { FileReader } from './fileReader.ts';
import { placeOf, type ScoredDocument } from './fileReading.ts';

/** Lines painted above and below what is on screen, so that slow scrolling shows them at once. */
const LINES_AROUND = 40;
/** Most tokens looked at for one screen: of a line without end only its beginning. */
const MAX_TOKENS = 6000;
/** Marks in the overview ruler, which is some hundred pixels high. */
const MAX_MARKS = 2000;
/** Time between two paintings of the ruler while a file is read. */
const RULER_AFTER_MS = 400;

interface Types extends SurprisalTypes {
  readonly ruler: vscode.TextEditorDecorationType;
}

/** What is to be painted on a screen, in UTF-16 units of the document. */
interface Screen {
  readonly levels: readonly (readonly PaintedRange[])[];
  /** Tokens read in a context that was edited since. */
  readonly faded: readonly (readonly PaintedRange[])[];
  readonly stale: readonly PaintedRange[];
}

const EMPTY: Screen = { levels: [], faded: [], stale: [] };

/** Paints the surprisal of whole files: colours on what is on screen, and marks of surprising tokens in the overview ruler. */
export class FileDecorations extends Disposable {
  readonly #reader: FileReader;
  readonly #current: CurrentExplanation;
  readonly #overlays: Overlays;
  readonly #steps = new WeakMap<object, { readonly key: string; readonly steps: readonly number[] }>();
  #types: Types | undefined;

  /** The text of `current` has colours of its own; while `overlays` are on, it has none of these. */
  constructor(reader: FileReader, current: CurrentExplanation, overlays: Overlays) {
    super();
    this.#reader = reader;
    this.#current = current;
    this.#overlays = overlays;
    const screen = this.register(new Later(REPAINT_AFTER_MS, () => this.#paint()));
    const ruler = this.register(new Later(RULER_AFTER_MS, () => this.#paintRuler()));
    const later = screen.ask;
    const both = (): void => (later(), ruler.ask());
    this.register(reader.onDidChange(both));
    this.register(reader.onDidEdit(() => (screen.askInPause(), ruler.askInPause())));
    this.register(current.onDidChange(later));
    this.register(overlays.onDidChange(both));
    this.register(vscode.window.onDidChangeVisibleTextEditors(both));
    this.register(vscode.window.onDidChangeTextEditorVisibleRanges(later));
    this.register(onSettingChange(['colors', 'surprisalScale', 'surprising'], both));
  }

  #paint(): void {
    for (const [editor, scored, types] of this.#painted()) {
      const { levels, faded, stale } = scored === null ? EMPTY : this.#screen(editor, scored);
      const { document } = editor;
      types.levels.forEach((type, level) => editor.setDecorations(type, rangesIn(document, levels[level] ?? [])));
      types.faded.forEach((type, level) => editor.setDecorations(type, rangesIn(document, faded[level] ?? [])));
      editor.setDecorations(types.stale, rangesIn(document, stale));
    }
  }

  #paintRuler(): void {
    for (const [editor, scored, types] of this.#painted()) {
      editor.setDecorations(types.ruler, rangesIn(editor.document, scored === null ? [] : marksIn(scored)));
    }
  }

  /** The visible editors with what is known of their files; null: nothing is to be painted. Empty before a file was read. */
  *#painted(): Generator<readonly [vscode.TextEditor, ScoredDocument | null, Types]> {
    const { colors } = readSettings();
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const scored = this.#reader.scoredIn(document);
      if (scored === null && this.#types === undefined) continue;
      const isOff = !colors || (this.#overlays.isOn && this.#current.isAbout(document));
      yield [editor, isOff ? null : scored, (this.#types ??= this.#createTypes())];
    }
  }

  #screen({ document, visibleRanges }: vscode.TextEditor, scored: ScoredDocument): Screen {
    const placed: PlacedToken[] = [];
    const older: PlacedToken[] = [];
    const stale: PaintedRange[] = [];
    const explained = this.#current.isAbout(document) ? this.#current.value?.tracked : undefined;
    const { scores } = scored;
    const { surprisalScale } = readSettings();
    const steps = this.#stepsOf(scored);
    for (const token of tokensOn(document, visibleRanges, scored)) {
      const place = placeOf(scored, token);
      if (place.stale) {
        if ((stale.at(-1)?.end ?? -1) < place.end) stale.push(place);
        continue;
      }
      if (explained && place.start < explained.end && place.end > explained.start) continue;
      const level = surprisalLevel(surprisalMeasure(scores, token, surprisalScale), steps);
      (scores.known[token] === READ ? placed : older).push({ start: place.start, end: place.end, level });
    }
    return { levels: paintedRanges(placed, SURPRISAL_LEVELS), faded: paintedRanges(older, SURPRISAL_LEVELS), stale };
  }

  /** The lower ends of the levels: of the fifths of all tokens read so far. */
  #stepsOf({ scores }: ScoredDocument): readonly number[] {
    const { surprisalScale } = readSettings();
    const key = `${surprisalScale} ${scores.version}`;
    const known = this.#steps.get(scores);
    if (known?.key === key) return known.steps;
    const steps = surprisalSteps(scores, surprisalScale);
    this.#steps.set(scores, { key, steps });
    return steps;
  }

  #createTypes(): Types {
    const own = (type: vscode.TextEditorDecorationType): vscode.TextEditorDecorationType => this.register(type);
    return { ...surprisalTypes(own, false), ruler: own(createDecoration(rulerMark())) };
  }
}

/** Places of a document's surprising tokens; most documents have all of the text. */
function marksIn(scored: ScoredDocument): readonly PaintedRange[] {
  const { start, end } = scored.scores.tokens;
  return surprisingTokens(scored.scores, readSettings().surprising)
    .filter((token) => (end[token] ?? 0) > scored.from && (start[token] ?? 0) < scored.to)
    .slice(0, MAX_MARKS)
    .map((token) => placeOf(scored, token))
    .filter(({ stale }) => !stale);
}

/** Tokens of what is on screen and a little around it, in order. */
function* tokensOn(document: vscode.TextDocument, visible: readonly vscode.Range[], scored: ScoredDocument): Generator<number> {
  const { scores, tracked, from, to } = scored;
  let [next, count] = [0, 0];
  for (const { start, end } of visible) {
    const first = document.offsetAt(document.lineAt(Math.max(0, start.line - LINES_AROUND)).range.start);
    const last = document.offsetAt(document.lineAt(Math.min(document.lineCount - 1, end.line + LINES_AROUND)).range.end);
    // Of a notebook the cells before and after are in other documents.
    const begin = Math.max(from, originalNear(tracked, first));
    const stop = Math.min(to, originalNear(tracked, last));
    for (let token = Math.max(next, firstTokenBeyond(scores.tokens, begin)); count < MAX_TOKENS; token++, count++) {
      if (token >= scores.tokens.ids.length || (scores.tokens.start[token] ?? 0) >= stop) break;
      if (scores.tokens.special[token] === 0) yield token;
      next = token + 1;
    }
  }
}

function rangesIn(document: vscode.TextDocument, ranges: readonly PaintedRange[]): vscode.Range[] {
  return ranges.map(({ start, end }) => new vscode.Range(document.positionAt(start), document.positionAt(end)));
}
