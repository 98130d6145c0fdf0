import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import type { Inert } from '../../../src/core/inertText.ts';
import type { codeSpan } from '../../../src/host/editor/markdownCode.ts';
import type * as surfaces from '../../../src/host/surfaces.ts';

const root = resolve(import.meta.dirname, '../../..');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, source: readFileSync(join(root, 'src', name), 'utf8') }));
const HOST = /^(?:host\/|extension\.ts)/;
/** Files of src that know the editor, but for `allowed`, that hold `pattern`. */
const holding = (pattern: RegExp, ...allowed: readonly string[]): readonly string[] =>
  sources.filter(({ name, source }) => HOST.test(name) && !allowed.includes(name) && pattern.test(source)).map(({ name }) => name);

/** What of the editor's API shows a text; its events, editors and documents do not. */
const SHOWN = [
  'show(?!TextDocument|NotebookDocument)\\w+',
  'create(?!TextEditorDecorationType)\\w+',
  'with(?:Scm)?Progress',
  'setStatusBarMessage',
];
const SHOWS = new RegExp(`\\bwindow\\s*\\.\\s*(?:${SHOWN.join('|')})\\b`);
const MADE = 'MarkdownString|TreeItem|Hover|QuickPickItem|StatusBarItem|InlayHint|CodeLens|Diagnostic|CompletionItem|Task';
const MAKES = new RegExp(`\\bnew\\s+(?:vscode\\s*\\.\\s*)?(?:${MADE})\\b`);

it('one file of the host shows texts by the editor’s own functions', () => {
  expect(holding(SHOWS, 'host/surfaces.ts')).toEqual([]);
  expect(holding(MAKES, 'host/surfaces.ts')).toEqual([]);
  expect([SHOWS, MAKES].map((pattern) => holding(pattern))).toEqual([['host/surfaces.ts'], ['host/surfaces.ts']]);
});

it('nobody gets around it by another name, or by saying that a text is inert', () => {
  expect(holding(/=\s*vscode\s*(?:\.\s*(?:window|l10n))?\s*[;,)]|\bvscode\s*\[|\.\.\.vscode\b/)).toEqual([]);
  expect(sources.filter(({ source }) => /\bas\s+(?:unknown\s+as\s+)?Inert\b/.test(source)).map(({ name }) => name)).toEqual([
    'core/inertText.ts',
  ]);
  expect(holding(/\bas\s+(?:unknown\s+as\s+)?Markdown\b/, 'host/editor/markdownCode.ts')).toEqual([]);
  // What a panel or a list is called later is set on what the wrappers gave.
  expect(
    holding(
      /\bvscode\.(?:QuickPick|QuickPickItem|StatusBarItem|InputBox|TreeView|Terminal|LogOutputChannel|OutputChannel|MarkdownString)\b/,
      'host/surfaces.ts',
    ),
  ).toEqual([]);
  expect(holding(/[pP]anel\.title\s*=(?!=)/, 'host/surfaces.ts', 'host/panel/panelView.ts')).toEqual([]);
});

it('the host says its sentences by the function that makes them inert', () => {
  // Markdown of hovers has its own type; the page gets the bundle.
  expect(holding(/\bl10n\s*\.\s*t\b/, 'host/say.ts', 'host/editor/tokenHover.ts', 'host/wholeFile/fileHover.ts')).toEqual([]);
});

/** Never run: these lines are checked by the compiler, which complains where one of them is no error any more. */
export function plainTextIsRefused(
  {
    inform,
    showError,
    confirm,
    withProgress,
    pickOne,
    treeItem,
    createPanel,
    createStatusItem,
    createPick,
    hover,
    createLog,
    askSecret,
  }: typeof surfaces,
  text: string,
  ours: Inert,
  span: typeof codeSpan,
): void {
  // @ts-expect-error
  void inform(text);
  // @ts-expect-error
  void inform(ours, text);
  // @ts-expect-error
  void inform(`${ours}: ${text}`);
  // @ts-expect-error
  void showError(text);
  // @ts-expect-error
  void confirm('warning', ours, text, ours);
  // @ts-expect-error
  void withProgress(text, async () => undefined);
  // @ts-expect-error
  void withProgress(ours, async (view) => view.report({ message: text }));
  // @ts-expect-error
  void pickOne([{ label: text }], { title: ours, placeHolder: ours });
  // @ts-expect-error
  void pickOne([{ label: ours, detail: text }], { title: ours, placeHolder: ours });
  // @ts-expect-error
  treeItem(text, 0);
  // @ts-expect-error
  treeItem(ours, 0).tooltip = text;
  // @ts-expect-error
  createPanel(text);
  // @ts-expect-error
  createStatusItem('id', 1).text = text;
  // @ts-expect-error
  createPick().items = [{ label: text }];
  // @ts-expect-error
  createPick().placeholder = text;
  // @ts-expect-error
  hover(text, undefined);
  // @ts-expect-error
  hover(`${span(text)}${text}`, undefined);
  // @ts-expect-error
  createLog('log').error(text);
  // @ts-expect-error
  void askSecret(ours, ours, () => text);
}
