import { vscode } from '../vscode.ts';
import { MOST_WEIGHTS, rowIn, weightsBetween, type AttentionRows } from '../../core/attentionRows.ts';
import { CancelledError } from '../../core/errors.ts';
import type { EditorAttention } from '../../protocol/messages.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { Disposable } from '../disposable.ts';
import type { Current, CurrentExplanation } from '../explain/currentExplanation.ts';
import type { TokenFocus } from './tokenFocus.ts';

/** Most weights that are kept, 32 MB: all of a text of 4,000 tokens. Of a longer one those around the cursor. */
const MOST_KEPT = 1 << 23;
/** Tokens before the cursor's whose rows are asked for with its own, where a text is too long for one answer. */
const ROWS_BEFORE = 200;

/** The attention of one token to itself and those before it. */
export interface AttentionWords {
  readonly query: number;
  /** [query + 1] */
  readonly weights: Float32Array;
  /** Whose attention this is. */
  readonly choice: EditorAttention;
}

/** Rows of one choice in one explanation, as far as they are known. */
interface Known {
  readonly of: Current;
  choice: EditorAttention;
  readonly rows: (Float32Array | undefined)[];
  kept: number;
  /** Ends the question in progress, of which `waits` says whether the cursor waits for it. */
  asking: { readonly work: AbortController; readonly waits: boolean } | null;
}

/** Parts of the extension that the attention in the editor uses. */
export interface AttentionMarksOptions {
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly focus: TokenFocus;
  /** Told of a question that failed; the attention is off then. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The attention of the token at the cursor, while that is on: of the head or layer that the panel names. The model is asked once for all
 * rows, the cursor's first; from then on the cursor is followed without it.
 */
export class AttentionMarks extends Disposable {
  readonly #options: AttentionMarksOptions;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #isOn = false;
  #choice: EditorAttention = { kind: 'mean', layer: 0, head: 0, hideFirst: true };
  #known: Known | undefined;
  #words: AttentionWords | null = null;

  /** Fires when there are other words to paint, or none any more, and when this is turned on or off. */
  readonly onDidChange = this.#changed.event;

  constructor(options: AttentionMarksOptions) {
    super();
    this.#options = options;
    const { current, focus } = options;
    this.register(focus.onDidChange(() => this.#follow()));
    this.register(
      current.onDidChange(() => {
        if (current.value === undefined) this.turn(false);
        this.#follow();
      }),
    );
  }

  /** Whether the cursor is followed. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** The words to paint; null: none, or not known yet. */
  get words(): AttentionWords | null {
    return this.#words;
  }

  /** Follows the cursor from now on, or no longer. */
  turn(on: boolean): void {
    if (on === this.#isOn) return;
    this.#isOn = on;
    if (!on) this.#forget();
    this.#changed.fire();
    this.#follow();
  }

  /** The panel shows, or the user chose there, another head or layer. */
  choose(choice: EditorAttention): void {
    this.#choice = choice;
    this.#follow();
  }

  /** Whether there is a token to follow. */
  get hasToken(): boolean {
    return this.#token() !== null;
  }

  override dispose(): void {
    super.dispose();
    this.#forget();
  }

  /** The token selected in editor and panel, or else the one at the cursor; null: none. */
  #token(): number | null {
    const { current, focus } = this.#options;
    if (focus.selected !== null) return focus.selected;
    const editor = vscode.window.activeTextEditor;
    const place = editor && current.placeAt(editor.document, editor.selection.active);
    return place?.kind === 'token' ? place.token : null;
  }

  #forget(): void {
    this.#known?.asking?.work.abort();
    this.#known = undefined;
    this.#words = null;
  }

  #follow(): void {
    const shown = this.#options.current.value;
    if (!this.#isOn || shown === undefined || this.disposed) return;
    const choice = withinModel(this.#choice, shown);
    const known = this.#known;
    if (known === undefined || known.of.shown !== shown.shown || !isSame(known.choice, choice)) {
      this.#forget();
      this.#known = { of: shown, choice, rows: [], kept: 0, asking: null };
    } else if (known.choice.hideFirst !== choice.hideFirst) known.choice = choice;
    this.#show();
    const token = this.#token();
    const now = this.#known;
    if (now === undefined || (now.asking === null ? this.#next(now) === null : token === null || now.rows[token] !== undefined)) return;
    if (now.asking === null) void this.#ask(now);
    // What nobody waits for makes way for the cursor's own row.
    else if (!now.asking.waits) now.asking.work.abort();
  }

  /** Shows the row of the token at the cursor, if it is known. */
  #show(): void {
    const token = this.#token();
    const known = this.#known;
    const weights = known === undefined || token === null ? undefined : known.rows[token];
    const before = this.#words;
    if (before === null ? weights === undefined : before.weights === weights && before.choice === known?.choice) return;
    this.#words = known === undefined || token === null || weights === undefined ? null : { query: token, weights, choice: known.choice };
    this.#changed.fire();
  }

  /** The rows to ask for next: the cursor's before others, of which all are asked for where there is room; null: none. */
  #next({ of, choice, rows }: Known): { readonly from: number; readonly to: number; readonly waits: boolean } | null {
    const { length } = of.shown.explanation.tokens;
    const token = this.#token();
    const all = weightsBetween(0, length);
    const isMissing = token !== null && token < length && rows[token] === undefined;
    let from = isMissing ? token : all <= MOST_KEPT ? firstMissing(rows, 0, length) : length;
    if (from === length) return null;
    // The model makes rows of a head or of a layer's mean together.
    if (choice.kind === 'value-weighted') {
      if (isMissing) return { from, to: from + 1, waits: true };
    } else from = all <= MOST_WEIGHTS ? 0 : firstMissing(rows, Math.max(0, from - ROWS_BEFORE), length);
    let to = from + 1;
    while (to < length && rows[to] === undefined) to++;
    return { from, to, waits: isMissing };
  }

  /** Asks until there is nothing left to ask for. */
  async #ask(known: Known): Promise<void> {
    const { client, onFailure } = this.#options;
    const { modelKey, shown } = known.of;
    const isWanted = (): boolean => this.#known?.rows === known.rows;
    for (let next = this.#next(known); next !== null && isWanted(); next = this.#next(known)) {
      const work = new AbortController();
      const { from, to, waits } = next;
      const { kind, layer, head } = known.choice;
      this.#set({ work, waits });
      try {
        const ask = waits ? client.ask.bind(client) : client.askBehind.bind(client);
        keep(known, await ask(modelKey, shown.explanation.run, 'attentionRows', { kind, layer, head, from, to }, work.signal));
      } catch (error) {
        if (!isWanted()) return;
        const madeWay = error instanceof CancelledError && work.signal.aborted;
        if (madeWay) continue;
        this.#set(null);
        if (error instanceof CancelledError) return;
        this.turn(false);
        return onFailure(error);
      }
      if (isWanted()) this.#show();
    }
    if (isWanted()) this.#set(null);
  }

  #set(asking: Known['asking']): void {
    if (this.#known) this.#known.asking = asking;
  }
}

function keep(known: Known, found: AttentionRows): void {
  const { from, to } = found;
  if (known.kept + found.weights.length > MOST_KEPT) known.rows.length = known.kept = 0;
  known.kept += found.weights.length;
  for (let query = from; query < to; query++) known.rows[query] = rowIn(found, query);
}

function firstMissing(rows: readonly unknown[], from: number, end: number): number {
  let first = from;
  while (first < end && rows[first] !== undefined) first++;
  return first;
}

function isSame(a: EditorAttention, b: EditorAttention): boolean {
  return a.kind === b.kind && a.layer === b.layer && (a.kind !== 'head' || a.head === b.head);
}

/** The choice within what the model has: the panel's may be of another model still. */
function withinModel(choice: EditorAttention, { shown }: Current): EditorAttention {
  const { layers, heads } = shown.explanation.model;
  return { ...choice, layer: Math.min(choice.layer, layers - 1), head: Math.min(choice.head, heads - 1) };
}
