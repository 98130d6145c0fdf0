import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HostMessage } from '../../../src/protocol/messages.ts';
import { readReport, writeReport } from '../../../src/report/reportFile.ts';
import { readFixture } from '../../webview/readFixture.ts';
import { BARE_PAGE, reportWith } from '../report/savedReport.ts';
import { FakeUri, type FakePanel } from './fakeEditor.ts';
import { putReportPage } from './reportPageFiles.ts';
import { endHosts, FIRST, SECOND, startHost, TEXT, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;
const PATH = '/saved/notes.tokens.html';

async function explained(): Promise<Host> {
  const host = await startHost();
  putReportPage(host);
  await host.explain();
  await host.settle();
  return host;
}

/** Runs the command, answers the page's settings, and chooses the parts of these labels. */
async function save(host: Host, labels: readonly string[], settings: object = { selected: 2, tab: 'tokens' }): Promise<void> {
  const before = host.picks.length;
  host.run('saveReport');
  await turns(20);
  host.say({ type: 'view', view: settings });
  await host.settle();
  const pick = host.picks[before] ?? expect.fail('Nothing was asked.');
  const items = pick.items as readonly { readonly label: string; readonly description: string }[];
  pick.tick(items.filter(({ label }) => labels.includes(label)));
  pick.acceptTicked();
  await host.settle();
}

/** The content of a file, once it is there: it is packed by threads that nobody watches. */
async function saved(host: Host, path = PATH): Promise<string> {
  await until(() => host.files.has(path));
  return new TextDecoder().decode(host.files.get(path));
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50_000 && !isSo(); turn++) await turns(1);
  expect(isSo()).toBe(true);
}

const replyTo = (panel: FakePanel, id: number): HostMessage | undefined =>
  panel.posted.findLast((message) => (message.type === 'reply' || message.type === 'replyError') && message.id === id);

describe('a report', () => {
  it('is saved whole, opens with the kept numbers, and is read again without a difference', async () => {
    const host = await explained();
    const last = host.posted().findLast((message) => message.type === 'explanation');
    const shown = last?.type === 'explanation' ? last.shown : expect.fail('Nothing is shown.');
    // What the page has asked goes in too.
    host.say({ type: 'query', id: 1, serial: shown.serial, query: { name: 'readText', args: { text: 'dog' } } });
    await host.settle();
    const asked = replyTo(host.panel(), 1);
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file(PATH));
    const note = { text: 'Why?', token: 2, head: null, key: null };
    await save(host, ['Attention', 'Positions'], { selected: 2, layer: 1, head: 1, notes: [note] });
    expect(host.errors()).toEqual([]);
    expect(host.picks.at(-1)?.title).toMatch(/^Save as Report: about \d/);
    const report = await readReport(await saved(host), 'notes.tokens.html');
    expect(report.head).toMatchObject({
      text: FIRST,
      kept: ['attention', 'positions'],
      notes: [note],
      settings: { selected: 2, layer: 1 },
    });
    expect(report.head.tokens).toEqual([2, shown.explanation.tokens.length - 1]);
    expect(report.shown.explanation.logprob).toEqual(shown.explanation.logprob);
    expect(report.shown.source.uri).toBe('');
    expect([...host.files.keys()].filter((path) => path.includes('partial'))).toEqual([]);

    const panel = await host.openCustom(PATH);
    panel.say({ type: 'ready' });
    const [init, explanation] = panel.posted;
    expect(init).toMatchObject({
      type: 'init',
      follows: true,
      report: { product: '0.1.0', readsAgain: true },
      view: { selected: 2, notes: [note] },
    });
    expect(explanation).toMatchObject({
      type: 'explanation',
      shown: { source: shown.source.label === '' ? {} : { label: shown.source.label } },
    });
    const serial = explanation?.type === 'explanation' ? explanation.shown.serial : -1;
    panel.say({ type: 'query', id: 7, serial, query: { name: 'readText', args: { text: 'dog' } } });
    panel.say({ type: 'query', id: 8, serial, query: { name: 'attentionRow', args: { layer: 1, head: 0, query: 3 } } });
    panel.say({ type: 'query', id: 9, serial, query: { name: 'readText', args: { text: 'cat' } } });
    panel.say({ type: 'chat', on: true });
    expect(replyTo(panel, 7)).toMatchObject({ type: 'reply', result: asked?.type === 'reply' ? asked.result : 'none' });
    expect(replyTo(panel, 8)).toMatchObject({ type: 'reply', result: { query: 3 } });
    expect(replyTo(panel, 9)).toMatchObject({ type: 'replyError', message: 'Not kept in this report.' });
    expect(panel.posted.at(-1)).toEqual({ type: 'needsModel' });

    panel.say({ type: 'readAgain' });
    panel.say({ type: 'readAgain' });
    await until(() => panel.posted.some(({ type }) => type === 'readAgain'));
    await host.settle();
    const again = panel.posted.filter((message) => message.type === 'readAgain');
    expect(again).toHaveLength(1);
    const [{ model, differences } = expect.fail('It was not read again.')] = again;
    expect(model).toBe(shown.explanation.model.name);
    expect(differences.length).toBeGreaterThan(20);
    expect(differences.filter(({ share }) => share !== 0)).toEqual([]);
    expect(differences.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(1000);
  });

  it('is told from one whose numbers were changed', async () => {
    const host = await explained();
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/saved/without-ending'));
    await save(host, []);
    const file = await saved(host, '/saved/without-ending.tokens.html');
    const report = await readReport(file, 'x');
    const logprob = report.shown.explanation.logprob.slice();
    logprob[2] = (logprob[2] ?? 0) - 0.5;
    const { explanation } = report.shown;
    const other = { ...report, shown: { ...report.shown, explanation: { ...explanation, logprob } } };
    host.files.set('/saved/changed.tokens.html', new TextEncoder().encode(await writeReport(other, BARE_PAGE)));
    const panel = await host.openCustom('/saved/changed.tokens.html');
    panel.say({ type: 'ready' });
    panel.say({ type: 'readAgain' });
    await until(() => panel.posted.some(({ type }) => type === 'readAgain'));
    const again = panel.posted.find((message) => message.type === 'readAgain');
    const [most, next] = again?.type === 'readAgain' ? again.differences : [];
    expect(most?.quantity).toBe('tokens.logprob');
    expect(most?.largest).toBeCloseTo(0.5, 6);
    expect(next?.share).toBe(0);
  });
});

describe('a comparison in a report', () => {
  /** The report that is saved now, read again. */
  async function readAgainOf(host: Host, forget: () => void = () => undefined) {
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file(PATH));
    await save(host, ['Attention']);
    const report = await readReport(await saved(host), 'x');
    forget();
    const panel = await host.openCustom(PATH);
    panel.say({ type: 'ready' });
    const shown = panel.posted.find((message) => message.type === 'comparison');
    expect(shown?.comparison?.explanation).toEqual(report.comparison?.explanation);
    panel.say({ type: 'readAgain' });
    await until(() => panel.posted.some(({ type }) => type === 'readAgain') || host.errors().length > 0);
    await host.settle();
    expect(host.errors()).toEqual([]);
    const again = panel.posted.find((message) => message.type === 'readAgain') ?? expect.fail('It was not read again.');
    expect(again.differences.filter(({ share }) => share !== 0)).toEqual([]);
    return { report, again, quantities: again.differences.map(({ quantity }) => quantity) };
  }

  it('with another text is kept with the attention of both, and read again', async () => {
    const host = await explained();
    host.select(host.shown, TEXT.indexOf(SECOND), TEXT.length);
    host.run('compareWith');
    await host.settle();
    const { report, again, quantities } = await readAgainOf(host);
    expect([report.comparison?.kind, report.comparison?.explanation.text]).toEqual(['text', SECOND]);
    const { layers, heads } = report.shown.explanation.model;
    expect(report.answers.filter(({ query, side }) => side === 'second' && query.name === 'attention')).toHaveLength(layers * heads);
    expect(again.leftOut).toBeNull();
    expect(quantities).toEqual(
      expect.arrayContaining(['second.tokens.logprob', 'second.attention.weights', 'divergence.spans', 'divergence.final']),
    );
  });

  it('with another model is read again by that model, and where that is gone says so', async () => {
    const host = await explained();
    await host.useModels(['/models/gpt2']);
    host.run('compareModel');
    await host.settle();
    const pick = host.picks.at(-1) ?? expect.fail('Nothing was asked.');
    pick.accept(pick.items.find((one) => JSON.stringify(one).includes('gpt2')) ?? expect.fail('The other model is not listed.'));
    await host.settle();
    const alive = host.workers.alive();
    const { report, again, quantities } = await readAgainOf(host);
    expect([report.comparison?.kind, report.comparison?.model, again.leftOut]).toEqual(['model', 'gpt2', null]);
    expect(quantities).toEqual(expect.arrayContaining(['second.tokens.logprob', 'divergence.spans']));
    // The worker that read it is ended; that of the list may have ended meanwhile.
    expect(host.workers.alive()).toBeLessThanOrEqual(alive);
    const without = await readAgainOf(host, () => {
      host.platform.findModels = async () => [];
      host.run('refreshModels');
    });
    expect(without.again.leftOut).toBe('gpt2');
    expect(without.quantities.filter((name) => name.startsWith('second') || name.startsWith('divergence'))).toEqual([]);
  });
});

describe('a link to a report', () => {
  it('names the file and the place, never the text, and opens the report there', async () => {
    const host = await explained();
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file(PATH));
    await save(host, []);
    await saved(host);
    const panel = await host.openCustom(PATH);
    panel.say({ type: 'ready' });
    host.run('copyReportLink');
    await turns(20);
    panel.say({ type: 'view', view: { tab: 'attention', layer: 1, head: 0, selected: 2, notes: [{ text: FIRST }], wordSet: FIRST } });
    await host.settle();
    const [link = ''] = host.clipboard;
    expect(link).toBe(
      `vscode://explain-tokens.explain-tokens/report?report=file%3A%2F%2F${encodeURIComponent(PATH)}&tab=attention&layer=1&head=0&token=2`,
    );
    const opened: unknown[][] = [];
    host.commands.set('vscode.openWith', async (...args) => void opened.push([...args]));
    await host.follow(link.slice(link.indexOf('?') + 1));
    await host.settle();
    expect(panel.posted.at(-1)).toEqual({ type: 'goTo', place: { tab: 'attention', layer: 1, head: 0, token: 2 } });
    expect(opened.map(([uri, type]) => [String(uri), type])).toEqual([[`file://${PATH}`, 'explainTokens.report']]);
    for (const wrong of ['', 'report=file:///etc/passwd', 'report=https://x.org/a.tokens.html', 'report=command:x.tokens.html'])
      await host.follow(wrong);
    await host.settle();
    expect(opened).toHaveLength(1);
    expect(host.window.showInformationMessage.mock.calls.filter(([said]) => said === 'This link leads to no saved report.')).toHaveLength(
      4,
    );
  });
});

describe('saving a report', () => {
  it('writes nothing without a text, or where the user declines or cancels', async () => {
    const bare = await startHost();
    bare.run('saveReport');
    await bare.settle();
    expect(bare.window.showInformationMessage.mock.calls.join()).toContain('Explain a text first');
    endHosts();
    const host = await explained();
    const before = host.files.size;
    await save(host, ['Why']);
    host.run('saveReport');
    await host.settle();
    host.picks.at(-1)?.hide();
    await host.settle();
    host.window.showSaveDialog.mockImplementationOnce(async () => {
      setImmediate(() => host.notifications.at(-1)?.cancel());
      return FakeUri.file(PATH);
    });
    await save(host, ['Attention', 'Predictions', 'Embeddings', 'Positions', 'Forward pass', 'Why']);
    expect(host.files.size).toBe(before);
    expect(host.errors()).toEqual([]);
  });

  it('gives a name its whole ending, once, and writes over no file that the user did not choose', async () => {
    const host = await explained();
    const others = host.files.set('/saved/mine.tokens.html', Uint8Array.of(1));
    for (const name of ['other.html', 'mine']) {
      host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file(`/saved/${name}`));
      await save(host, []);
    }
    await saved(host, '/saved/mine');
    const [asked] = host.window.showSaveDialog.mock.calls.at(-1) ?? [];
    // VS Code's own dialog appends an ending that is not the last part of the name.
    expect(Object.values(asked?.filters ?? {})).toEqual([['html']]);
    expect([...others].flatMap(([path, { length }]) => (path.startsWith('/saved') ? [[path, length > 1]] : []))).toEqual([
      ['/saved/mine.tokens.html', false],
      ['/saved/other.tokens.html', true],
      ['/saved/mine', true],
    ]);
  });

  it('says in one sentence that the folder is read-only or the disk full, and leaves the file as it was', async () => {
    const host = await explained();
    host.files.set(PATH, Uint8Array.of(1, 2));
    const { fs } = host.api.workspace;
    vi.spyOn(fs, 'writeFile').mockImplementationOnce(async ({ path }, bytes) => {
      host.files.set(path, bytes.subarray(0, 10));
      throw new Error('EROFS: read-only file system');
    });
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file(PATH));
    await save(host, []);
    await until(() => host.errors().length > 0);
    expect(host.errors()).toEqual([`file://${PATH} cannot be saved: EROFS: read-only file system`]);
    expect([...host.files].filter(([path]) => path.startsWith('/saved'))).toEqual([[PATH, Uint8Array.of(1, 2)]]);
  });
});

describe('notes on an open report', () => {
  const NOTE = { text: 'Why so sure?', token: 2, head: null, key: null };
  const OTHER = { text: '=1+1 </script><b>', token: null, head: { layer: 0, head: 1 }, key: null };
  const report = reportWith(readFixture().shown, [], [NOTE]);

  /** A host in which the report is open, and its page ready. */
  async function opened() {
    const host = await startHost();
    const file = await writeReport(report, BARE_PAGE);
    host.files.set(PATH, new TextEncoder().encode(file));
    const panel = await host.openCustom(PATH);
    panel.say({ type: 'ready' });
    return { host, file, panel };
  }

  const told = (panel: FakePanel): unknown => panel.posted.findLast((message) => message.type === 'notes')?.notes;
  const fileOf = (host: Host, path = PATH): string => new TextDecoder().decode(host.files.get(path));

  it('are told to every page of the file, undone and done again, and saved into the file, of which all else stays', async () => {
    const { host, file, panel } = await opened();
    const second = await panel.split();
    second.say({ type: 'ready' });
    expect(panel.posted[0]).toMatchObject({ type: 'init', report: { keepsNotes: true } });
    expect([told(panel), told(second)]).toEqual([[NOTE], [NOTE]]);
    panel.say({ type: 'notes', notes: [NOTE, OTHER] });
    expect([told(panel), told(second), panel.edits.length]).toEqual([[NOTE, OTHER], [NOTE, OTHER], 1]);
    panel.edits[0]?.undo();
    expect(told(second)).toEqual([NOTE]);
    panel.edits[0]?.redo();
    expect([told(second), fileOf(host)]).toEqual([[NOTE, OTHER], file]);
    await panel.save();
    const saved = fileOf(host);
    expect((await readReport(saved, 'x')).head).toEqual({ ...report.head, notes: [NOTE, OTHER] });
    const end = '</script>';
    const [before, after] = [file, saved].map((text) => text.slice(text.indexOf(end, text.indexOf('explain-tokens-report'))));
    expect(after).toBe(before);
    expect([...host.files.keys()].filter((path) => path.startsWith('/saved'))).toEqual([PATH]);
    // A page that is closed is told nothing.
    second.dispose();
    const count = second.posted.length;
    panel.say({ type: 'notes', notes: [] });
    await panel.save();
    expect([(await readReport(fileOf(host), 'x')).head.notes, second.posted.length]).toEqual([[], count]);
    expect(await host.openCustom(PATH).then((again) => (again.say({ type: 'ready' }), told(again)))).toEqual([]);
  });

  it('stay as they are where what a page says is none, or the place cannot be written', async () => {
    const { host, panel } = await opened();
    for (const notes of [null, 'x', [{ ...NOTE, text: 'x'.repeat(501) }], [{ ...NOTE, token: -1 }]]) panel.say({ type: 'notes', notes });
    expect([told(panel), panel.edits]).toEqual([[NOTE], []]);
    vi.spyOn(host.api.workspace.fs, 'isWritableFileSystem').mockReturnValue(false);
    const other = await host.openCustom(PATH);
    other.say({ type: 'ready' });
    expect(other.posted[0]).toMatchObject({ type: 'init', report: { keepsNotes: false } });
    other.say({ type: 'notes', notes: [] });
    expect([told(other), other.edits]).toEqual([[NOTE], []]);
  });

  it('are kept where the disk is full, saved elsewhere, and taken from the file again', async () => {
    const { host, file, panel } = await opened();
    panel.say({ type: 'notes', notes: [OTHER] });
    vi.spyOn(host.api.workspace.fs, 'writeFile').mockRejectedValueOnce(new Error('ENOSPC: no space left on device'));
    await expect(panel.save()).rejects.toThrow(`file://${PATH} cannot be saved: ENOSPC: no space left on device`);
    expect([fileOf(host), told(panel)]).toEqual([file, [OTHER]]);
    await panel.saveAs('/saved/copy.tokens.html');
    expect((await readReport(fileOf(host, '/saved/copy.tokens.html'), 'x')).head.notes).toEqual([OTHER]);
    expect(fileOf(host)).toBe(file);
    await panel.revert();
    expect(told(panel)).toEqual([NOTE]);
  });

  it('are written in place where only VS Code can write, and the file is as it was where that fails', async () => {
    const { host, file, panel } = await opened();
    host.platform['localPath'] = () => undefined;
    panel.say({ type: 'notes', notes: [OTHER] });
    const { fs } = host.api.workspace;
    const renamed = vi.spyOn(fs, 'rename');
    vi.spyOn(fs, 'writeFile').mockImplementationOnce(async ({ path }, bytes) => {
      host.files.set(path, bytes.subarray(0, 10));
      throw new Error('Quota exceeded');
    });
    await expect(panel.save()).rejects.toThrow(`file://${PATH} cannot be saved: Quota exceeded`);
    expect(fileOf(host)).toBe(file);
    await panel.save();
    expect((await readReport(fileOf(host), 'x')).head.notes).toEqual([OTHER]);
    expect(renamed).not.toHaveBeenCalled();
  });

  it('are not written over what another program has written, and never into another report', async () => {
    const { host, panel } = await opened();
    panel.say({ type: 'notes', notes: [OTHER] });
    const theirs = await writeReport({ ...report, head: { ...report.head, notes: [] } }, BARE_PAGE);
    host.files.set(PATH, new TextEncoder().encode(theirs));
    await expect(panel.save()).rejects.toThrow('notes.tokens.html holds notes that another program has written');
    expect(fileOf(host)).toBe(theirs);
    await panel.revert();
    panel.say({ type: 'notes', notes: [OTHER] });
    await panel.save();
    const foreign = await writeReport({ ...report, head: { ...report.head, created: '2026-11-30T00:00:00.000Z' } }, BARE_PAGE);
    host.files.set(PATH, new TextEncoder().encode(foreign));
    for (const work of [panel.save(), panel.saveAs('/saved/copy.tokens.html'), panel.revert()])
      await expect(work).rejects.toThrow('notes.tokens.html holds another report now: close it and open it again.');
    host.files.set(PATH, new TextEncoder().encode('<p>Hello</p>'));
    await expect(panel.save()).rejects.toThrow('notes.tokens.html is not a report of Explain Tokens.');
    expect(fileOf(host)).toBe('<p>Hello</p>');
  });

  it('that were not saved are there after a restart', async () => {
    const { host, file, panel } = await opened();
    panel.say({ type: 'notes', notes: [OTHER] });
    const backup = await panel.backUp('/backups/1');
    const again = await host.openCustom(PATH, backup.id);
    again.say({ type: 'ready' });
    expect(told(again)).toEqual([OTHER]);
    await again.save();
    expect((await readReport(fileOf(host), 'x')).head.notes).toEqual([OTHER]);
    expect(fileOf(host)).not.toBe(file);
    backup.delete();
    expect(host.files.has('/backups/1')).toBe(false);
    host.files.set('/backups/2', Uint8Array.of(1));
    await expect(host.openCustom(PATH, 'file:///backups/2')).rejects.toThrow('notes.tokens.html cannot be read: ');
  });
});

describe('a file that is no report', () => {
  it.each([
    ['foreign', '<p>Hello</p>', 'page.tokens.html is not a report of Explain Tokens.'],
    [
      'damaged',
      '<script type="application/json" id="explain-tokens-report">{"format</script>',
      'page.tokens.html is damaged or incomplete',
    ],
  ])('is refused in a sentence for VS Code: %s', async (_, text, sentence) => {
    const host = await startHost();
    host.files.set('/page.tokens.html', new TextEncoder().encode(text));
    await expect(host.openCustom('/page.tokens.html')).rejects.toThrow(sentence);
    vi.spyOn(host.api.workspace.fs, 'stat').mockResolvedValueOnce({ size: 500_000_000 });
    await expect(host.openCustom('/page.tokens.html')).rejects.toThrow('page.tokens.html is larger than any report: 500.0 MB');
    await expect(host.openCustom('/none.tokens.html')).rejects.toThrow('none.tokens.html cannot be read: There is no /none.tokens.html.');
  });
});
