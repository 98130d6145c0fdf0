import { afterEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../closeness.ts';
import { FakeNotebook, FakeUri, type FakeDocument, type FakeEditor } from './fakeEditor.ts';
import { isColour, isRuler, isStale, length, longHost, painted, readFile, status, whole, type Host } from './fileHost.ts';
import { endHosts, turns } from './wholeHost.ts';

afterEach(endHosts);

const CELLS = ['the cat sat on a mat', 'import cats\ncats.sit', '', 'print cats.\n'.repeat(3)];
/** The cells as one text, which begins with a character that nothing predicts. */
const READ = CELLS.filter((text) => text !== '').join('\n\n');

interface Open {
  readonly host: Host;
  readonly notebook: FakeNotebook;
  readonly editors: readonly FakeEditor[];
}

/** A host in which a notebook is on screen, the cursor in its first cell. */
async function notebookHost(cells: readonly string[] = CELLS): Promise<Open> {
  const host = await longHost('not read');
  const notebook = new FakeNotebook('work.ipynb', cells);
  host.notebooks.push(notebook);
  const editors = notebook.cells.toReversed().map((cell) => host.open(cell, 0, 0));
  host.window.activeNotebookEditor = { notebook };
  host.events.notebookActive.fire({ notebook });
  return { host, notebook, editors: editors.toReversed() };
}

const cellOf = ({ editors }: Open, index: number): FakeEditor => itemOf(editors, index);
const textsOf = ({ document }: FakeEditor, ranges: readonly [number, number][]): string =>
  ranges.map(([start, end]) => document.text.slice(start, end)).join('');

describe('a notebook that is read as a whole', () => {
  it('has in each cell its own colours, marks and hover, of one text with an empty line between cells', async () => {
    const open = await notebookHost();
    const { host, editors } = open;
    await readFile(host);
    for (const [index, editor] of editors.entries()) {
      expect(textsOf(editor, painted(editor, isColour))).toBe((CELLS[index] ?? '').slice(index === 0 ? 1 : 0));
      expect(painted(editor, isStale)).toEqual([]);
    }
    expect(painted(host.shown, isColour)).toEqual([]);
    expect(editors.flatMap((editor) => painted(editor, isRuler)).length).toBeGreaterThan(0);
    expect(status(host)?.tooltip).toContain(`${READ.length} tokens; ${READ.length - 1} bytes in `);
    expect(status(host)?.tooltip).toContain('work.ipynb was read as a whole.');
    const { document } = cellOf(open, 1);
    const contents = host.hovers.map(({ provideHover }) => provideHover(document, document.positionAt(3))?.contents.value).join('');
    expect(contents).toContain(`token ${READ.indexOf('import') + 3} · id`);
    expect(host.errors()).toEqual([]);
  });

  it('lists its surprises across cells, each with its cell, and goes to them there', async () => {
    const open = await notebookHost();
    const { host } = open;
    await readFile(host);
    host.window.showQuickPick.mockImplementationOnce(async (items) => items[1]);
    host.run('surpriseUnit');
    host.window.showInputBox.mockResolvedValueOnce('cat');
    host.run('surpriseFilter');
    await turns(5);
    const tree = itemOf(host.trees, 1);
    type Place = { readonly uri: string; readonly start: number; readonly end: number; readonly stale: boolean };
    type Item = { readonly label: string; readonly description: string; readonly command: { readonly arguments: readonly Place[] } };
    const items = (await Promise.all((await tree.getChildren()).map((node) => tree.getTreeItem(node)))) as unknown as Item[];
    expect(items).toHaveLength(6);
    const cellIn = ({ description }: Item): number => Number(/cell (\d)/.exec(description)?.[1]);
    expect(items.map(cellIn).toSorted((a, b) => a - b)).toEqual([1, 2, 2, 4, 4, 4]);
    for (const item of items) {
      const { document } = cellOf(open, cellIn(item) - 1);
      const place = itemOf(item.command.arguments, 0);
      expect([place.uri, place.stale]).toEqual([document.uri.toString(), false]);
      expect(document.text.slice(place.start, place.end)).toBe(item.label);
    }
    host.run('goToSurprise', ...(items.find((item) => cellIn(item) === 4)?.command.arguments ?? []));
    await turns(5);
    expect(host.window.showTextDocument.mock.calls.map(([document]) => document)).toEqual([cellOf(open, 3).document]);
    host.run('copySurprises');
    await turns(5);
    const [copied = ''] = host.clipboard;
    expect(copied).toMatch(/^bits\tbits\/byte\ttokens\tcell\tline\ttext\n/);
    expect(copied).toMatch(/\t4\t3\tcats\n/);
  });

  it('follows edits in its cells, cells that are added or moved, and keeps what did not change when it is read again', async () => {
    const open = await notebookHost();
    const { host, notebook } = open;
    await readFile(host);
    const [first, second, empty, fourth] = [0, 1, 2, 3].map((index) => cellOf(open, index)) as [
      FakeEditor,
      FakeEditor,
      FakeEditor,
      FakeEditor,
    ];
    host.select(first, 0, 5);
    host.type(first, 'no');
    await host.settle();
    expect(painted(first, isStale)).toEqual([[0, 2]]);
    expect([second, fourth].flatMap((editor) => painted(editor, isStale))).toEqual([]);
    expect(textsOf(second, painted(second, isColour))).toBe(second.document.text);
    // What ends a cell is not taken for the empty line behind it.
    host.select(second, second.document.text.length, second.document.text.length);
    host.type(second, '\n\n');
    await host.settle();
    expect(textsOf(second, painted(second, isColour))).toBe(CELLS[1]);
    await readFile(host);
    expect(length(painted(second, isColour))).toBe(second.document.text.length);
    host.run('toggleLive');
    await whole(host);
    host.select(empty, 0, 0);
    host.type(empty, 'no longer empty');
    await host.settle();
    await whole(host);
    expect(textsOf(empty, painted(empty, isColour))).toBe('no longer empty');
    notebook.cells = notebook.cells.toReversed();
    host.events.notebookChanged.fire({ notebook, contentChanges: [{}] });
    expect(host.shown.document.text).toBe('not read');
    await host.settle();
    await whole(host);
    expect(textsOf(fourth, painted(fourth, isColour))).toBe(fourth.document.text.slice(1));
    expect(textsOf(first, painted(first, isColour))).toBe(first.document.text);
    host.run('toggleLive');
    notebook.cells = notebook.cells.slice(1);
    host.events.notebookChanged.fire({ notebook, contentChanges: [{}] });
    await host.settle();
    expect(status(host)?.tooltip).toContain('edited since');
    expect(status(host)?.command).toBe('explainTokens.explainFile');
    expect(host.errors()).toEqual([]);
  });

  it('is read from its editor where no cell has the cursor, gone through from cell to cell, and forgotten when it is closed', async () => {
    const open = await notebookHost();
    const { host, notebook } = open;
    host.window.activeTextEditor = undefined;
    await readFile(host);
    expect(textsOf(cellOf(open, 0), painted(cellOf(open, 0), isColour))).toBe(itemOf(CELLS, 0).slice(1));
    host.set('surprising', '0.1 bits');
    await host.settle();
    host.window.activeTextEditor = cellOf(open, 1);
    const end = cellOf(open, 1).document.text.length;
    host.select(cellOf(open, 1), end - 1, end);
    host.run('nextSurprise');
    await turns(5);
    const shown: readonly (readonly [FakeDocument, unknown?])[] = host.window.showTextDocument.mock.calls;
    expect(shown.map(([document]) => document)).toEqual([cellOf(open, 3).document]);
    notebook.isClosed = true;
    host.notebooks.splice(0);
    host.events.notebookClosed.fire(notebook);
    await host.settle();
    expect(status(host)?.shown).toBe(false);
    expect(host.contexts.get('explainTokens.anyFileRead')).toBe(false);
    expect(host.errors()).toEqual([]);
  });

  it('keeps what was read under another name, where its cells are other documents', async () => {
    const open = await notebookHost();
    const { host, notebook } = open;
    await readFile(host);
    const renamed = new FakeNotebook('new.ipynb', CELLS);
    host.notebooks.splice(0, 1, renamed);
    host.events.notebookClosed.fire(notebook);
    host.events.renamed.fire({ files: [{ oldUri: FakeUri.file('/work.ipynb'), newUri: FakeUri.file('/new.ipynb') }] });
    host.window.activeNotebookEditor = { notebook: renamed };
    const shown = host.open(itemOf(renamed.cells, 1), 0, 0);
    await host.turnTime(2000);
    await whole(host);
    expect(status(host)?.tooltip).toContain('new.ipynb was read as a whole.');
    expect(textsOf(shown, painted(shown, isColour))).toBe(CELLS[1]);
    expect(host.errors()).toEqual([]);
  });

  it('says that there is nothing to read where all cells are empty', async () => {
    const { host } = await notebookHost(['', '']);
    host.run('explainFile');
    await turns(5);
    expect(host.window.showInformationMessage.mock.calls.map(([text]) => text)).toEqual([
      'There is no text here to explain: write or select some first.',
    ]);
  });
});
