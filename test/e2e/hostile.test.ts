import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { traceByCommandLine } from './trace.ts';

const EXPLAIN = 'Explain Tokens';

const MARKUP = `<img src=x onerror="globalThis.injected=1;document.title='injected'"><script>globalThis.injected=1</script>
**bold** [link](command:workbench.action.quit) ![image](https://example.invalid/a.png) \`\`\`code
<b>not bold</b> &lt;i&gt; $(alert) {{0}} {0} %s <a href="javascript:globalThis.injected=1">a</a>
`;
const UNICODE = [
  'abc \u202eright to left\u202c \u200f مرحبا שלום 👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 ',
  'e\u0301 ﬁ \ufeff\u00ad𝒳 你好\tTab\u00a0\u3000end\u2028line',
].join('');
const CRLF = 'one\r\n\ttwo\r\n\r\n  three\t\tfour\r\nfive';

describe('a hostile text', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    const files = {
      'markup.txt': MARKUP,
      'unicode.txt': UNICODE,
      'crlf.txt': CRLF,
      'spaces.txt': `${' '.repeat(10_000)}end`,
      'nul.txt': 'before\u0000after',
    };
    session = await openSession({
      files,
      open: 'markup.txt',
      expect: 'img src=x',
      settings: { 'editor.unicodeHighlight.ambiguousCharacters': false, 'editor.unusualLineTerminators': 'off', 'editor.hover.delay': 100 },
    });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const explainFile = async (name: string): Promise<void> => {
    await session.workbench.openFile(name);
    await session.workbench.selectAll();
    await session.workbench.command(EXPLAIN);
  };
  const nothingInjected = async (): Promise<void> => {
    for (const frame of session.page.frames()) expect(await frame.evaluate(() => 'injected' in globalThis)).toBe(false);
    expect(await panel.frame.locator('#root').locator('img, script, iframe, a[href], b, i, marquee').count()).toBe(0);
  };

  it.each([
    ['markup.txt', MARKUP],
    ['unicode.txt', UNICODE],
    ['crlf.txt', CRLF],
  ])('in %s is explained as it is and injects nothing into the panel', async (name, text) => {
    const traced = traceByCommandLine(text);
    await explainFile(name);
    await panel.shows(traced.length);
    const rows = await panel.rows();
    expectSameNumbers(rows, traced);
    expect(traced.filter((token) => !token.special).flatMap((token) => token.bytes)).toEqual([...Buffer.from(text)]);
    await session.screenshot(`40 ${name}`);
    for (const tab of ['Attention', 'Embeddings', 'Predictions'] as const) {
      await panel.openTab(tab);
      await expect.poll(() => panel.frame.locator('[aria-busy="true"]').count(), { timeout: 120_000 }).toBe(0);
      await nothingInjected();
    }
    await nothingInjected();
  });

  it('shows markup in a hover as text', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine(MARKUP);
    await explainFile('markup.txt');
    await panel.shows(traced.length);
    for (const word of ['img', 'bold', 'link', '<b>']) {
      const text = await workbench.hover(word);
      expect(text).toContain('surprisal');
      const content = page.locator('.monaco-hover:not(.hidden) .monaco-hover-content').first();
      expect(await content.locator('img, script, b, a[href^="javascript"], a[data-href*="quit"]').count()).toBe(0);
      await page.keyboard.press('Escape');
      await content.waitFor({ state: 'hidden' });
    }
    await nothingInjected();
  });

  it('of 10,000 spaces is explained as far as the model reads, and the panel says what was left out or shows all of it', async () => {
    await explainFile('spaces.txt');
    const traced = traceByCommandLine(`${' '.repeat(10_000)}end`);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    await session.screenshot('41 spaces');
  });

  it('with a NUL is explained', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine('before\u0000after');
    await workbench.openFile('nul.txt');
    await page.getByRole('button', { name: 'Open Anyway' }).or(page.getByText('Open Anyway')).first().click();
    const textEditor = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Text Editor' }).first();
    await textEditor
      .or(page.locator('.view-line', { hasText: 'before' }))
      .first()
      .waitFor();
    if (await textEditor.isVisible()) await textEditor.click();
    await page.locator('.view-line', { hasText: 'before' }).waitFor();
    await workbench.selectAll();
    await workbench.command(EXPLAIN);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('asks nothing outside this machine and breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});
