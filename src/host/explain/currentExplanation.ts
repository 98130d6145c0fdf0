import { vscode } from '../vscode.ts';
import { applyEdits, heal, originalOffset, relocate, trackText, trackedRange, type TrackedText } from '../../core/textEdits.ts';
import { promptOf } from '../../core/generation.ts';
import type { Explanation } from '../../core/trace.ts';
import type { ShownExplanation, TextSource } from '../../protocol/messages.ts';
import { Disposable } from '../disposable.ts';
import type { Outdated } from './outdated.ts';
import { findDocument, readDocument } from '../editor/target.ts';

/** An explanation on show, with the present range of its text. */
export interface Current {
  readonly shown: ShownExplanation;
  /** Key of the model that made the explanation. */
  readonly modelKey: string;
  readonly tracked: TrackedText;
  /** The whole text that `tracked` is a window of, as it was read, and where it is; null: it is no window. */
  readonly whole: { readonly text: string; readonly tracked: TrackedText } | null;
  /** UTF-16 units of the explained text that are in the document: without text that was generated and not inserted. */
  readonly ownLength: number;
}

/** Relation of a position in the document to the explanation: on a token, in edited text, or outside. */
export type Place = { readonly kind: 'token'; readonly token: number } | { readonly kind: 'edited' } | { readonly kind: 'outside' };

/** The explanation that panel, hover, colours and status bar show; its ranges follow edits of the document. */
export class CurrentExplanation extends Disposable {
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  readonly #edited = this.register(new vscode.EventEmitter<void>());
  readonly #aged = this.register(new vscode.EventEmitter<void>());
  #current: Current | undefined;
  /** The text that is being explained, followed from when it was read. */
  #awaited: { readonly source: TextSource; readonly tracked: TrackedText } | undefined;
  #serial = 0;
  #outdated: Outdated | null = null;

  /** Fires when there is another explanation, or none any more. */
  readonly onDidChange = this.#changed.event;
  /** Fires when ranges of tokens moved, or tokens became stale or fresh. */
  readonly onDidEdit = this.#edited.event;
  /** Fires when `outdated` changes. */
  readonly onDidAge = this.#aged.event;

  constructor() {
    super();
    this.register(vscode.workspace.onDidChangeTextDocument((event) => this.#followEdits(event)));
    this.register(vscode.workspace.onDidOpenTextDocument((document) => this.#findAgain(document)));
  }

  /** The explanation on show, if any. */
  get value(): Current | undefined {
    return this.#current;
  }

  /** Why the explanation is outdated; null: it is the newest that was asked for. */
  get outdated(): Outdated | null {
    return this.#outdated;
  }

  /** Sets why the explanation is outdated; null: it is current again. */
  age(outdated: Outdated | null): void {
    if (outdated === this.#outdated || !this.#current) return;
    this.#outdated = outdated;
    this.#aged.fire();
  }

  /** Follows the edits of a text from now on, as its explanation takes a while. */
  await(source: TextSource): void {
    this.#awaited = { source, tracked: trackText(source.start, source.end - source.start) };
  }

  /** Shows another explanation, made by the model of `modelKey`. `text`: the whole, of which a window may have been explained. */
  set(shown: Omit<ShownExplanation, 'serial'>, modelKey: string, whole = shown.explanation.text): void {
    const { explanation, source } = shown;
    const ownLength = lengthInDocument(explanation, source);
    this.#outdated = null;
    const text = explanation.text.slice(0, ownLength);
    const place = this.#awaited?.source === source ? this.#awaited.tracked : trackText(source.start, source.end - source.start);
    this.#awaited = undefined;
    const offset = offsetInWhole(explanation);
    const tracked = trackText(trackedRange(place, offset, offset).start, ownLength);
    this.#current = {
      shown: { ...shown, serial: ++this.#serial },
      modelKey,
      tracked,
      whole: explanation.window === undefined ? null : { text: whole, tracked: place },
      ownLength,
    };
    const document = findDocument(source.uri);
    // The text may have been edited while the model ran, or since the panel was saved.
    if (document && readDocument(document, tracked.start, tracked.end) !== text) {
      this.#current = relocated(this.#current, text, document);
    }
    this.#changed.fire();
  }

  /** Removes the explanation. */
  clear(): void {
    if (!this.#current) return;
    this.#current = undefined;
    this.#outdated = null;
    this.#changed.fire();
  }

  /** Whether the explained text is in `document`. */
  isAbout(document: vscode.TextDocument): boolean {
    return this.#current?.shown.source.uri === document.uri.toString();
  }

  /** Present range of token `index`, and whether it was edited; undefined for tokens that have no text in the document. */
  rangeOf(document: vscode.TextDocument, index: number): { readonly range: vscode.Range; readonly stale: boolean } | undefined {
    const token = this.#current?.shown.explanation.tokens[index];
    if (!this.#current || !token || token.end <= token.start || token.end > this.#current.ownLength) return undefined;
    const { start, end, stale } = trackedRange(this.#current.tracked, token.start, token.end);
    return { range: new vscode.Range(document.positionAt(start), document.positionAt(end)), stale };
  }

  /** Present range, in UTF-16 units, of the text that was to be explained, including other windows and an end that was left out. */
  sourceRange(): { readonly start: number; readonly end: number } | undefined {
    if (!this.#current) return undefined;
    const { tracked, whole, shown, ownLength } = this.#current;
    if (whole !== null) return { start: whole.tracked.start, end: whole.tracked.end };
    const rest = shown.source.end - shown.source.start - ownLength;
    return { start: tracked.start, end: tracked.end + Math.max(0, rest) };
  }

  /**
   * Present offset, in the text that was to be explained, of where a window, by default the one on show, enters new text; undefined without
   * that window.
   */
  windowOffset(index?: number): number | undefined {
    const window = this.#current?.shown.explanation.window;
    const enter = window?.windows[index ?? window.index]?.enter;
    const tracked = this.#current?.whole?.tracked;
    return enter === undefined || !tracked ? undefined : trackedRange(tracked, enter, enter).start - tracked.start;
  }

  /** The token at a position, or why there is none. */
  placeAt(document: vscode.TextDocument, position: vscode.Position): Place {
    const current = this.#current;
    if (!current || !this.isAbout(document)) return { kind: 'outside' };
    const offset = document.offsetAt(position);
    if (offset < current.tracked.start || offset > current.tracked.end) return { kind: 'outside' };
    const original = originalOffset(current.tracked, offset);
    if (original === null) return offset === current.tracked.end ? { kind: 'outside' } : { kind: 'edited' };
    const token = current.shown.explanation.tokens.find(({ start, end }) => start <= original && original < end);
    if (!token) return { kind: 'outside' };
    return trackedRange(current.tracked, token.start, token.end).stale ? { kind: 'edited' } : { kind: 'token', token: token.index };
  }

  /** Indices of tokens whose text was edited. */
  staleTokens(): readonly number[] {
    const current = this.#current;
    if (!current) return [];
    return current.shown.explanation.tokens.flatMap(({ index, start, end }) =>
      end <= current.ownLength && trackedRange(current.tracked, start, end).stale ? [index] : [],
    );
  }

  #followEdits(event: vscode.TextDocumentChangeEvent): void {
    const current = this.#current;
    if (event.contentChanges.length === 0) return;
    const edited = (text: TrackedText): TrackedText =>
      applyEdits(
        text,
        event.contentChanges.map(({ rangeOffset, rangeLength, text: { length } }) => ({
          offset: rangeOffset,
          removed: rangeLength,
          inserted: length,
        })),
      );
    const awaited = this.#awaited;
    if (awaited?.source.uri === event.document.uri.toString()) this.#awaited = { ...awaited, tracked: edited(awaited.tracked) };
    if (!current || !this.isAbout(event.document)) return;
    const tracked = heal(edited(current.tracked), ownText(current), (start, end) => readDocument(event.document, start, end));
    const whole = current.whole && { ...current.whole, tracked: edited(current.whole.tracked) };
    this.#current = { ...current, tracked, whole };
    if (tracked === current.tracked) return;
    this.#edited.fire();
  }

  /** Finds the text in a document that was opened again, since it may have changed while it was closed. */
  #findAgain(document: vscode.TextDocument): void {
    const current = this.#current;
    if (!current || !this.isAbout(document)) return;
    const text = ownText(current);
    const { start, end } = current.tracked;
    if (end - start === text.length && readDocument(document, start, end) === text) return;
    this.#current = relocated(current, text, document);
    this.#edited.fire();
  }
}

/** `current` with its text found again in a document that changed meanwhile; the whole text around it moves along. */
function relocated(current: Current, text: string, document: vscode.TextDocument): Current {
  const { tracked, whole } = current;
  const found = relocate(tracked, text, document.getText());
  const moved = found.start - tracked.start;
  if (whole === null || moved === 0) return { ...current, tracked: found };
  const { start, length } = whole.tracked;
  return { ...current, tracked: found, whole: { ...whole, tracked: trackText(Math.max(0, start + moved), length) } };
}

/** UTF-16 offset of the explained text in the text that was to be explained. */
function offsetInWhole({ window }: Explanation): number {
  return window?.windows[window.index]?.start ?? 0;
}

/** Length of the part of the text that is in the document. It includes generated text if that was inserted, as the range then shows. */
function lengthInDocument(explanation: Explanation, { start, end }: TextSource): number {
  const { text, window } = explanation;
  // What was generated after a window is not what follows it in the document.
  const room = window === undefined ? end - start : window.index < window.windows.length - 1 ? 0 : end - start - offsetInWhole(explanation);
  return room >= text.length ? text.length : promptOf(explanation).text.length;
}

function ownText({ shown, ownLength }: Current): string {
  return shown.explanation.text.slice(0, ownLength);
}
