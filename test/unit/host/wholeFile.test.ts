import { afterEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../closeness.ts';
import { FIRST_TOKENS } from '../../../src/core/fileScores.ts';
import { FakeDocument, FakeUri, Position, Range, TabInputText } from './fakeEditor.ts';
import {
  beginFile,
  isColour,
  isFaded,
  isRuler,
  isStale,
  length,
  LONG,
  longHost,
  painted,
  readFile,
  status,
  sums,
  until,
  whole,
  type Host,
} from './fileHost.ts';
import { withGit } from './fakeGit.ts';
import { endHosts, shown, turns } from './wholeHost.ts';

afterEach(endHosts);

describe('a file that is read as a whole', () => {
  it('is coloured, marked in the ruler, summed up in the status bar and told of in the hover', async () => {
    const host = await longHost();
    await readFile(host);
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    expect(painted(host.shown, isRuler).length).toBe(Math.round(0.02 * (LONG.length - 1)));
    expect(status(host)?.text).toMatch(/^\$\(graph\) \d\.\d{3} bits\/byte$/);
    expect(status(host)?.tooltip).toContain('480 tokens; 479 bytes in ');
    expect(status(host)?.tooltip).toContain('Model: llama, in windows of 64 tokens, 32 apart.');
    const contents = host.hovers.map(({ provideHover }) => provideHover(host.document, host.document.positionAt(300))?.contents.value);
    expect(contents.join('')).toMatch(/token 300 · id \d+\n\nprobability .* · rank \d+ · surprisal .* bits · entropy .* bits/);
    expect(host.errors()).toEqual([]);
  });

  it('shows its first colours while the rest is read, and an explanation comes between', async () => {
    const host = await longHost();
    await beginFile(host);
    expect(status(host)).toMatchObject({ command: 'explainTokens.stopFile' });
    await host.explain();
    await whole(host);
    expect(host.outcome()?.type).toBe('explanation');
    expect(status(host)?.text).toMatch(/^\$\(graph\)/);
    // The explained text has its own colours.
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
  });

  it('leaves the editor alone between two keys: nothing is painted and no part begun, and it all comes in the next pause', async () => {
    const host = await longHost(LONG.repeat(4));
    await beginFile(host);
    host.type(host.shown, 'x');
    // The part that is being read ends, and with it what it led to.
    for (let quiet = 0; quiet < 20; quiet++) {
      await turns(5);
      if (host.workers.isBusy()) quiet = 0;
    }
    const [said, paints] = [host.workers.said(), host.shown.setDecorations.mock.calls.length];
    for (let key = 0; key < 20; key++) {
      host.type(host.shown, 'x');
      await host.turnTime(100);
    }
    expect([host.workers.said(), host.shown.setDecorations.mock.calls.length]).toEqual([said, paints]);
    expect(status(host)?.text).toMatch(/^\$\(sync\) file \d+ %/);
    await whole(host);
    expect(length(painted(host.shown, isColour))).toBeGreaterThan(LONG.length);
    expect(host.errors()).toEqual([]);
  });

  it('moves with edits, marks what is stale, and is read again in its present form when asked', async () => {
    const host = await longHost();
    await readFile(host);
    host.select(host.shown, 100, 104);
    host.type(host.shown, 'dog sat down');
    await host.settle();
    expect(painted(host.shown, isStale)).toEqual([[100, 112]]);
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 5);
    expect(status(host)?.tooltip).toContain('edited since');
    expect(status(host)?.command).toBe('explainTokens.explainFile');
    await readFile(host);
    expect(painted(host.shown, isStale)).toEqual([]);
    expect(length(painted(host.shown, isColour))).toBe(LONG.length + 8 - 1);
  });

  it('leaves nothing behind when it is cleared or closed, and keeps what was read when it is stopped', async () => {
    const host = await longHost();
    await beginFile(host);
    host.run('stopFile');
    await host.settle();
    expect(status(host)?.text).toMatch(/^\$\(circle-slash\) file \d+ %/);
    const kept = length(painted(host.shown, isColour));
    expect(kept).toBeGreaterThan(0);
    host.run('clearFile');
    await host.settle();
    expect([painted(host.shown, isColour), painted(host.shown, isRuler), status(host)?.shown]).toEqual([[], [], false]);
    host.run('explainFile');
    await turns(5);
    host.document.isClosed = true;
    host.events.closed.fire(host.document);
    await host.settle();
    expect(status(host)?.shown).toBe(false);
    expect(host.errors()).toEqual([]);
  });

  it('keeps what was stopped when VS Code tells of settings that are as they were, late', async () => {
    const host = await longHost();
    await beginFile(host);
    host.run('stopFile');
    await host.settle();
    const kept = painted(host.shown, isColour);
    for (const name of ['runtime', 'stride', 'model']) host.set(name, undefined);
    await host.settle();
    expect(painted(host.shown, isColour)).toEqual(kept);
    expect([host.contexts.get('explainTokens.fileRead'), host.contexts.get('explainTokens.fileReading')]).toEqual([true, false]);
    // Other windows give other numbers.
    host.set('stride', 16);
    await host.settle();
    expect([painted(host.shown, isColour), host.contexts.get('explainTokens.fileRead')]).toEqual([[], false]);
  });

  it('has nothing to stop once it is read', async () => {
    const host = await longHost();
    await readFile(host);
    host.run('stopFile');
    await host.settle();
    expect(status(host)?.text).toMatch(/^\$\(graph\) \d/);
    expect(status(host)?.tooltip).toContain('was read as a whole');
  });

  it('has its first colours before all of a long text is made into tokens, and keeps them', async () => {
    const text = LONG.repeat(40);
    const host = await longHost(text);
    host.run('explainFile');
    await until(host, () => painted(host.shown, isColour).length > 0 || /tokens;/.test(status(host)?.tooltip ?? ''));
    const first = painted(host.shown, isColour);
    expect(length(first)).toBeGreaterThanOrEqual(FIRST_TOKENS - 1);
    // Nothing is said of the whole yet: the tokens of its beginning are not those of the file, and no end is left out.
    expect(status(host)?.tooltip).not.toMatch(/tokens;|takes|left out/);
    expect(status(host)?.text).toMatch(/file 0 %/);
    await until(host, () => status(host)?.tooltip.includes(`${text.length.toLocaleString('en')} tokens; `) === true);
    expect(host.window.showInformationMessage).not.toHaveBeenCalled();
    host.run('stopFile');
    await host.settle();
    expect(length(painted(host.shown, isColour))).toBeGreaterThanOrEqual(length(first));
    expect(painted(host.shown, isFaded)).toEqual([]);
    expect(host.errors()).toEqual([]);
  });

  it('keeps what was read under another name, its own or its folder’s', async () => {
    const host = await longHost();
    await beginFile(host);
    const rename = async (from: string, to: string, document: string): Promise<void> => {
      // As VS Code does: the document of the old name is closed, and the other one opened.
      host.document.isClosed = true;
      host.events.closed.fire(host.document);
      Object.assign(host.document, { isClosed: false, uri: FakeUri.file(document) });
      await host.turnTime(20);
      host.events.renamed.fire({ files: [{ oldUri: FakeUri.file(from), newUri: FakeUri.file(to) }] });
      await whole(host);
    };
    await rename('/notes.md', '/folder/new.md', '/folder/new.md');
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    expect(status(host)?.tooltip).toContain('new.md was read as a whole.');
    await rename('/folder', '/other', '/other/new.md');
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    expect(host.errors()).toEqual([]);
  });

  it('is read without its code blocks where it is Markdown and the setting says so', async () => {
    const code = '\n```sh\nnever read\n```\n';
    const text = `the cat sat\n${code}on the mat\n${code}and ran`;
    const host = await longHost(text, { proseOnly: true });
    host.document.languageId = 'markdown';
    await readFile(host);
    const read = painted(host.shown, isColour).map(([start, end]) => text.slice(start, end));
    expect(read.join('')).toBe('he cat sat\n\non the mat\n\nand ran');
    expect([painted(host.shown, isStale), status(host)?.command]).toEqual([[], 'explainTokens.surprises.focus']);
    expect(status(host)?.tooltip).toContain('Code blocks, 42 characters, are left out (the setting Prose Only).');
    // What is not read may be edited.
    const at = text.indexOf('never');
    host.select(host.shown, at, at + 5);
    host.type(host.shown, 'not');
    await host.settle();
    expect(painted(host.shown, isStale)).toEqual([]);
    expect(status(host)?.tooltip).not.toContain('edited since');
    expect(
      painted(host.shown, isColour)
        .map(([start, end]) => host.document.text.slice(start, end))
        .join(''),
    ).toBe(read.join(''));
    host.select(host.shown, 4, 7);
    host.type(host.shown, 'dog');
    await host.settle();
    expect(painted(host.shown, isStale)).toEqual([[4, 7]]);
  });

  it('shifts nothing in a file of one line', async () => {
    const text = 'a line that does not end '.repeat(12);
    const host = await longHost(text);
    await readFile(host);
    expect(length(painted(host.shown, isColour))).toBe(text.length - 1);
    expect(painted(host.shown, isColour).at(-1)?.[1]).toBe(text.length);
    expect(host.errors()).toEqual([]);
  });

  it.each([
    ['\r\n', LONG.replaceAll('\n', '\r\n')],
    ['\r\n, where it was loaded with others too', LONG.replaceAll('.\n', '.\r\n').replace('\r\n', '\n').replace('\r\n', '\r')],
    ['\n, where it was loaded with others too', LONG.replace('\n', '\r').replace('\n', '\r\n')],
  ])('shifts nothing in a file whose lines end with %j', async (_, text) => {
    const host = await longHost(LONG, { model: '/models/ends' });
    const editor = host.open(new FakeDocument('ends.md', text), 0, 0);
    const { document } = editor;
    await readFile(host);
    const lines = LONG.split('\n').slice(0, -1);
    const colours = (): readonly string[] => painted(editor, isColour).map(([start, end]) => document.text.slice(start, end));
    expect(
      colours()
        .join('')
        .replaceAll(/[\r\n]/g, ''),
    ).toBe(lines.join('').slice(1));
    const places = painted(editor, isRuler).map(([start, end]) => document.text.slice(start, end));
    expect(places.length).toBeGreaterThan(0);
    host.select(editor, document.offsetAt(document.lineAt(9).range.start), document.offsetAt(document.lineAt(9).range.start) + 3);
    host.type(editor, 'a big');
    await host.settle();
    expect(painted(editor, isStale).map(([start, end]) => document.text.slice(start, end))).toEqual(['a big']);
    expect(painted(editor, isRuler).map(([start, end]) => document.text.slice(start, end))).toEqual(places);
    // Other line ends are another text: VS Code replaces all of it at once.
    host.select(editor, 0, document.text.length);
    host.type(editor, document.eol === 1 ? document.text.replaceAll('\n', '\r\n') : document.text.replaceAll('\r\n', '\n'));
    await host.settle();
    expect(colours().join('').trimEnd()).toBe(lines[0]?.slice(1));
    await readFile(host);
    expect(
      colours()
        .join('')
        .replaceAll(/[\r\n]/g, ''),
    ).toBe(lines.join('').replace('the cat j', 'a big cat j').slice(1));
    expect([painted(editor, isStale), host.errors()]).toEqual([[], []]);
  });

  it('of one line of five million characters is read as far as the bound, and says so; the end of it may be edited', async () => {
    const text = 'the cat sat '.repeat(5_000_000 / 12).padEnd(5_000_000, '.');
    const host = await longHost(text);
    host.shown.visibleRanges = [new Range(new Position(0, 0), new Position(0, 400))];
    host.run('explainFile');
    await until(host, () => host.window.showInformationMessage.mock.calls.length > 0);
    expect(host.window.showInformationMessage.mock.calls).toEqual([['The last characters of the file, 4,000,000 of them, were left out.']]);
    expect(painted(host.shown, isColour).every(([, end]) => end <= 1_000_000)).toBe(true);
    expect(length(painted(host.shown, isColour))).toBeGreaterThanOrEqual(FIRST_TOKENS - 1);
    host.select(host.shown, 4_000_000, 4_000_004);
    host.type(host.shown, 'x');
    host.run('stopFile');
    await host.settle();
    expect([painted(host.shown, isStale), host.errors()]).toEqual([[], []]);
  });

  it.each(['explain', 'explainFile'])(
    'that VS Code gives to no extension, as it is too large or no text, is told in a sentence (%s)',
    async (command) => {
      const host = await longHost();
      const activeTabGroup = { activeTab: { input: new TabInputText() } };
      Object.assign(host.window, { activeTextEditor: undefined, tabGroups: { all: [], activeTabGroup } });
      host.run(command);
      await turns(5);
      expect(host.window.showInformationMessage.mock.calls).toEqual([
        ['VS Code gives this file to no extension: it is larger than 50 MB, or no text.'],
      ]);
      expect(host.panels).toEqual([]);
    },
  );

  it('marks what another program changed on the disk while it is read, and reads on', async () => {
    const host = await longHost();
    await beginFile(host);
    const changed = LONG.replaceAll('cat', 'tiger');
    host.select(host.shown, 0, LONG.length);
    host.type(host.shown, changed);
    await whole(host);
    const colours = painted(host.shown, isColour);
    const end = changed.length;
    expect(colours.every(([start, stop]) => start >= 0 && stop <= end)).toBe(true);
    expect(painted(host.shown, isStale).length).toBeGreaterThan(0);
    await readFile(host);
    expect(length(painted(host.shown, isColour))).toBe(end - 1);
    expect(painted(host.shown, isStale)).toEqual([]);
    expect(host.errors()).toEqual([]);
  });

  it('is read by the model that is chosen meanwhile', async () => {
    const host = await longHost();
    await beginFile(host);
    host.set('model', '/models/other');
    await until(host, () => status(host)?.tooltip.includes('gpt2') === true);
    expect(status(host)?.tooltip).toContain('Model: gpt2, in windows of 64 tokens');
    host.set('model', '');
    await until(host, () => status(host)?.tooltip.includes('llama') === true);
    expect(status(host)?.tooltip).toContain('Model: llama, in windows of 64 tokens');
    expect(host.errors()).toEqual([]);
  });

  it.each(['model', 'runtime'])('is read on where a window that starts changes the setting %s without saying so', async (name) => {
    const host = await longHost();
    await beginFile(host);
    host.set(name, name === 'model' ? '/models/other' : 'wasm', false);
    await whole(host);
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    expect(host.errors()).toEqual([]);
  });

  it('is read along with another, and windows as far apart as the setting says', async () => {
    const host = await longHost();
    host.run('explainFile');
    await until(host, () => status(host)?.shown === true);
    const other = host.open(new FakeDocument('other.md', `${LONG}and more`), 0, 0);
    host.events.active.fire(other);
    await readFile(host);
    await until(host, () => length(painted(host.shown, isColour)) === LONG.length - 1);
    expect(length(painted(other, isColour))).toBe(LONG.length + 7);
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    host.set('stride', 16);
    await until(host, () => status(host)?.tooltip.includes('windows of 64 tokens, 16 apart') === true);
    host.set('stride', 100);
    await until(host, () => host.errors().length > 0);
    expect(itemOf(host.errors(), 0)).toContain('100 apart (the setting Stride)');
  });

  it('is gone through by its surprising tokens, round and round, by the share or the bits of the setting', async () => {
    const host = await longHost();
    host.run('nextSurprise');
    await until(host, () => host.window.showInformationMessage.mock.calls.length === 1);
    await readFile(host);
    const marks = painted(host.shown, isRuler);
    const at = (): number => host.document.offsetAt(host.shown.selection.start);
    const seen: number[] = [];
    for (let step = 0; step <= marks.length; step++) {
      host.run('nextSurprise');
      await turns(2);
      seen.push(at());
    }
    expect(seen).toEqual([...marks.map(([start]) => start), marks[0]?.[0]]);
    host.run('previousSurprise');
    await turns(2);
    expect(at()).toBe(marks.at(-1)?.[0]);
    host.set('surprising', '100 bits');
    await host.settle();
    expect(painted(host.shown, isRuler)).toEqual([]);
  });

  it('is read again by itself after a pause in typing while it is live, and what follows is marked as older until then', async () => {
    const host = await longHost();
    host.run('toggleLive');
    await whole(host);
    expect(status(host)?.text).toMatch(/ · live$/);
    host.select(host.shown, 200, 200);
    host.type(host.shown, 'big ');
    await host.turnTime(100);
    expect(painted(host.shown, isStale)).toEqual([]);
    await until(host, () => painted(host.shown, isFaded).length > 0);
    expect(painted(host.shown, isFaded).every(([start]) => start >= 204)).toBe(true);
    await until(host, () => length(painted(host.shown, isColour)) === LONG.length + 4 - 1);
    expect(painted(host.shown, isFaded)).toEqual([]);
    host.run('toggleLive');
    await host.settle();
    host.select(host.shown, 10, 12);
    host.type(host.shown, 'xyz');
    await host.settle();
    expect(painted(host.shown, isStale)).toEqual([[10, 13]]);
  });

  it('has the bits of each line behind its end, where that is asked for, the same as in the list of lines', async () => {
    const host = await longHost();
    await readFile(host);
    expect(sums(host)).toEqual([]);
    host.run('toggleLineSums');
    await host.settle();
    expect(sums(host)).toHaveLength(20);
    const tree = itemOf(host.trees, 1);
    host.window.showQuickPick.mockImplementationOnce(async (items) => items[2]);
    host.run('surpriseUnit');
    await turns(5);
    const lines = await Promise.all((await tree.getChildren()).map(async (node) => tree.getTreeItem(node)));
    expect(
      sums(host)
        .map(([, text]) => text)
        .toSorted(),
    ).toEqual(lines.map(({ description }) => String(description).replace(/ · .*/, '')).toSorted());
    expect(sums(host).map(([at]) => at)).toEqual(Array.from({ length: 20 }, (_, line) => 24 * line + 23));
    // A line that was edited has none.
    host.select(host.shown, 50, 51);
    host.type(host.shown, 'x');
    await host.settle();
    expect(sums(host).map(([at]) => at)).toEqual(Array.from({ length: 20 }, (_, line) => 24 * line + 23).filter((at) => at !== 71));
    host.run('toggleLineSums');
    await host.settle();
    expect(sums(host)).toEqual([]);
  });

  it('has its surprises in the side bar, by units and order as chosen, to go to and to copy', async () => {
    const host = await longHost();
    await readFile(host);
    const tree = itemOf(host.trees, 1);
    const list = async () => Promise.all((await tree.getChildren()).map(async (node) => tree.getTreeItem(node)));
    const bits = (descriptions: readonly unknown[]): number[] => descriptions.map((text) => Number(/^[\d.]+/.exec(String(text))?.[0]));
    const tokens = await list();
    expect(tokens).toHaveLength(LONG.length - 1);
    const values = bits(tokens.map(({ description }) => description));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    host.window.showQuickPick.mockImplementationOnce(async (items) => items[1]);
    host.run('surpriseUnit');
    await turns(5);
    host.window.showInputBox.mockResolvedValueOnce('CAT');
    host.run('surpriseFilter');
    await turns(5);
    const words = await list();
    expect(words.map(({ label }) => label)).toEqual(Array.from({ length: 20 }, () => 'cat'));
    host.run('copySurprises');
    await turns(5);
    const [copied = ''] = host.clipboard;
    expect(copied.split('\n').slice(0, 1)).toEqual(['bits\tbits/byte\ttokens\tline\ttext']);
    expect(copied.trimEnd().split('\n')).toHaveLength(21);
    const [first] = words as readonly { command?: { command: string; arguments: readonly { start: number; end: number }[] } }[];
    const { start, end } = itemOf(first?.command?.arguments ?? [], 0);
    expect(LONG.slice(start, end)).toBe('cat');
    host.run('goToSurprise', ...(first?.command?.arguments ?? []));
    await turns(5);
    expect(host.window.showTextDocument).toHaveBeenCalledTimes(1);
  });

  it('has what was changed since the last commit as its surprises, by the bits of the whole file, or says why there is none', async () => {
    const host = await longHost();
    await readFile(host);
    const [tree, view] = [itemOf(host.trees, 1), itemOf(host.views, 0)];
    const changes = async () => {
      host.window.showQuickPick.mockImplementationOnce(async (items) => items[5]);
      host.run('surpriseUnit');
      await turns(5);
      const items = await Promise.all((await tree.getChildren()).map(async (node) => tree.getTreeItem(node)));
      return items.map(({ label, description }) => [label, String(description)] as const);
    };
    expect([await changes(), view.message]).toEqual([[], expect.stringContaining('Git extension is off')]);
    withGit(host, { '/notes.md': LONG });
    expect([await changes(), view.message]).toEqual([[], 'Nothing was changed or added since the last commit.']);
    withGit(host, { '/notes.md': LONG.replace('the cat c', 'a dog c').replace('the cat s sat on a mat.\nthe cat t', 'the cat t') });
    const found = await changes();
    expect(found.map(([label]) => label).toSorted()).toEqual(['the·cat·c·sat·on·a·mat.', 'the·cat·s·sat·on·a·mat.']);
    expect(view.message).toBeUndefined();
    host.run('toggleLineSums');
    await host.settle();
    const bits = sums(host).map(([, text]) => text);
    for (const [, description] of found) expect(bits).toContain(description.replace(/ · .*/, ''));
    expect(host.errors()).toEqual([]);
  });
});

describe('a selection that the model does not read at once', () => {
  /** Explains characters `start` to `end` - 1, and waits for what that begins. */
  const explain = async (host: Host, start: number, end: number): Promise<void> => {
    await host.explain(start, end);
    await host.settle();
  };

  it('is shown by a window, and its file is read as a whole around it, with nothing run twice', async () => {
    const host = await longHost();
    await explain(host, 0, 200);
    expect(shown(host).explanation.text).toBe(LONG.slice(0, 64));
    expect(status(host)?.text).toMatch(/^\$\(graph\) \d/);
    expect(status(host)?.tooltip).toContain('480 tokens; 479 bytes in ');
    expect(length(painted(host.shown, isColour))).toBe(LONG.length - 1);
    // What was read is read again only where it was edited.
    const said = host.workers.said();
    await explain(host, 0, 200);
    const again = host.workers.said() - said;
    host.select(host.shown, 470, 471);
    host.type(host.shown, 'x');
    await host.settle();
    expect(painted(host.shown, isStale)).toEqual([[470, 471]]);
    const before = host.workers.said();
    await explain(host, 0, 200);
    expect(host.workers.said() - before).toBeGreaterThan(again);
    expect([painted(host.shown, isStale), length(painted(host.shown, isColour))]).toEqual([[], LONG.length - 1]);
    expect(host.errors()).toEqual([]);
  });

  it('begins nothing that the user stopped, and again what was cleared', async () => {
    const host = await longHost(LONG.repeat(4));
    await host.explain(300, 900);
    await until(host, () => /^\$\(sync\) file [1-9]\d* %/.test(status(host)?.text ?? ''));
    host.run('stopFile');
    await host.settle();
    await explain(host, 300, 900);
    expect(status(host)?.text).toMatch(/^\$\(circle-slash\) file [1-9]\d* %/);
    host.run('clearFile');
    await host.settle();
    expect([status(host)?.shown, length(painted(host.shown, isColour))]).toEqual([false, 63]);
    await explain(host, 300, 900);
    expect(status(host)?.text).toMatch(/^\$\(graph\) \d/);
    // It goes with the explanation that it came with, unless it was asked for itself.
    host.run('clear');
    await host.settle();
    expect([status(host)?.shown, painted(host.shown, isColour)]).toEqual([false, []]);
    await explain(host, 300, 900);
    await readFile(host);
    host.run('clear');
    await host.settle();
    expect(status(host)?.shown).toBe(true);
    expect(length(painted(host.shown, isColour))).toBeGreaterThan(LONG.length);
  });

  it('begins nothing where it fits, was cancelled, or is read with interventions', async () => {
    const host = await longHost();
    await explain(host, 0, 50);
    host.select(host.shown, 0, 200);
    const moment = host.workers.onceAt(0, () => host.say({ type: 'cancel' }));
    host.run('explain');
    await host.settle();
    expect([moment.came, host.outcome()?.type]).toEqual([true, 'cancelled']);
    host.say({ type: 'dismiss' });
    host.say({ type: 'recipe', serial: shown(host).serial, recipe: [{ kind: 'head', layer: 0, head: 0, action: 'zero' }] });
    await host.settle();
    await explain(host, 0, 200);
    expect([shown(host).explanation.run.recipe.length, shown(host).explanation.window?.index]).toEqual([1, 0]);
    expect(status(host)).toBeUndefined();
    expect(host.errors()).toEqual([]);
  });
});
