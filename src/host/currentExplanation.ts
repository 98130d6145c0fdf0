import { vscode } from './vscode.ts';
import { applyEdit, heal, originalOffset, relocate, trackText, trackedRange, type TrackedText } from '../core/textEdits.ts';
import type { Explanation } from '../core/trace.ts';
import type { ShownExplanation, TextSource } from '../protocol/messages.ts';
import { Disposable } from './disposable.ts';
import { findDocument, readDocument } from './target.ts';

/** An explanation on show, and where its text is now. */
export interface Current {
  readonly shown: ShownExplanation;
  readonly modelKey: string;
  readonly ids: Int32Array;
  readonly tracked: TrackedText;
  /** UTF-16 units of the explained text that are the document's: what was generated after them is not in it. */
  readonly ownLength: number;
}

/** What a place in the document has to do with the explanation. */
export type Place = { readonly kind: 'token'; readonly token: number } | { readonly kind: 'edited' } | { readonly kind: 'outside' };

/** The explanation that panel, hover, colours and status bar show; its ranges follow the document. */
export class CurrentExplanation extends Disposable {
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  readonly #edited = this.register(new vscode.EventEmitter<void>());
  #current: Current | undefined;
  #serial = 0;

  /** Another explanation, or none. */
  readonly onDidChange = this.#changed.event;
  /** Its ranges moved, or tokens became stale or fresh. */
  readonly onDidEdit = this.#edited.event;

  constructor() {
    super();
    this.register(vscode.workspace.onDidChangeTextDocument((event) => this.#followEdits(event)));
    this.register(vscode.workspace.onDidOpenTextDocument((document) => this.#findAgain(document)));
  }

  get value(): Current | undefined {
    return this.#current;
  }

  set(shown: Omit<ShownExplanation, 'serial'>, modelKey: string): void {
    const { explanation, source } = shown;
    const ownLength = lengthInDocument(explanation, source);
    const text = explanation.text.slice(0, ownLength);
    const tracked = trackText(source.start, ownLength);
    this.#current = { shown: { ...shown, serial: ++this.#serial }, modelKey, ids: Int32Array.from(explanation.tokens, (token) => token.id), tracked, ownLength };
    const document = findDocument(source.uri);
    // The text was edited while the model ran, or is that of a panel restored from another day.
    if (document && readDocument(document, tracked.start, tracked.end) !== text) {
      this.#current = { ...this.#current, tracked: relocate(tracked, text, document.getText()) };
    }
    this.#changed.fire();
  }

  clear(): void {
    if (!this.#current) return;
    this.#current = undefined;
    this.#changed.fire();
  }

  isAbout(document: vscode.TextDocument): boolean {
    return this.#current?.shown.source.uri === document.uri.toString();
  }

  /** Where token `index` is now; undefined for tokens without text. */
  rangeOf(document: vscode.TextDocument, index: number): { readonly range: vscode.Range; readonly stale: boolean } | undefined {
    const token = this.#current?.shown.explanation.tokens[index];
    if (!this.#current || !token || token.end <= token.start || token.end > this.#current.ownLength) return undefined;
    const { start, end, stale } = trackedRange(this.#current.tracked, token.start, token.end);
    return { range: new vscode.Range(document.positionAt(start), document.positionAt(end)), stale };
  }

  /** What the model was asked to read, where it is now: the explained text and the rest of the selection. */
  sourceRange(): { readonly start: number; readonly end: number } | undefined {
    if (!this.#current) return undefined;
    const { tracked, shown, ownLength } = this.#current;
    const rest = shown.source.end - shown.source.start - ownLength;
    return { start: tracked.start, end: tracked.end + Math.max(0, rest) };
  }

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

  staleTokens(): readonly number[] {
    const current = this.#current;
    if (!current) return [];
    return current.shown.explanation.tokens.flatMap(({ index, start, end }) => (end <= current.ownLength && trackedRange(current.tracked, start, end).stale ? [index] : []));
  }

  #followEdits(event: vscode.TextDocumentChangeEvent): void {
    const current = this.#current;
    if (!current || event.contentChanges.length === 0 || !this.isAbout(event.document)) return;
    let tracked = current.tracked;
    for (const { rangeOffset, rangeLength, text } of event.contentChanges) {
      tracked = applyEdit(tracked, { offset: rangeOffset, removed: rangeLength, inserted: text.length });
    }
    tracked = heal(tracked, ownText(current), (start, end) => readDocument(event.document, start, end));
    if (tracked === current.tracked) return;
    this.#current = { ...current, tracked };
    this.#edited.fire();
  }

  /** A document that was closed may have been changed by others meanwhile. */
  #findAgain(document: vscode.TextDocument): void {
    const current = this.#current;
    if (!current || !this.isAbout(document)) return;
    const text = ownText(current);
    const { start, end } = current.tracked;
    if (end - start === text.length && readDocument(document, start, end) === text) return;
    this.#current = { ...current, tracked: relocate(current.tracked, text, document.getText()) };
    this.#edited.fire();
  }
}

/** Generated text is the document's where it was put there before: its range then holds all of it. */
function lengthInDocument({ text, tokens, generated = 0 }: Explanation, { start, end }: TextSource): number {
  return generated === 0 || end - start >= text.length ? text.length : (tokens[tokens.length - generated]?.start ?? text.length);
}

function ownText({ shown, ownLength }: Current): string {
  return shown.explanation.text.slice(0, ownLength);
}
