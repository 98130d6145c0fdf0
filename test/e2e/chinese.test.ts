import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';

const strings = JSON.parse(readFileSync(join(ROOT, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Readonly<Record<string, string>>;

describe('with Chinese as the display language', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads', language: 'zh-cn' });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('the panel speaks Chinese', async () => {
    const { page, workbench } = session;
    const traced = traceByCommandLine(sampleLines(3, 3));
    await workbench.selectLines(3, 3);
    await page.keyboard.press('Control+Alt+e');
    const { frame } = panel;
    await frame.locator('.strip').waitFor({ timeout: 60_000 });
    expect(await frame.getByRole('listbox', { name: strings['Tokens of the text'] ?? '' }).getByRole('option').count()).toBe(traced.length);
    for (const [index, title] of ['Tokens', 'Attention', 'Embeddings', 'Predictions'].entries()) {
      await frame.getByRole('tab', { name: strings[title] ?? '', exact: true }).click();
      await session.screenshot(`7${index} Chinese ${title}`);
    }
  });

  it('the hover speaks Chinese', async () => {
    expect(await session.workbench.hover('世界')).toMatch(/概率.*%/);
    await session.screenshot('75 Chinese hover');
  });
});
