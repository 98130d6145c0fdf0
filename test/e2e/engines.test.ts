import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type EngineServer } from '../engines/engineServer.ts';
import { SERVED_NAME } from '../engines/protocolAnswers.ts';
import { openServedModel, type ServedModel } from '../engines/servedModel.ts';
import { expectShown, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';

const FIRST_LINE = sampleLines(1, 1);

describe('engines that serve models', () => {
  let session: Session;
  let panel: Panel;
  let served: ServedModel;
  let vllm: EngineServer;
  let llama: EngineServer;

  beforeAll(async () => {
    served = await openServedModel();
    vllm = await startEngine('vllm', served);
    llama = await startEngine('llama.cpp', served);
    session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'window.dialogStyle': 'custom' },
    });
    panel = panelOf(session.workbench);
  });
  afterAll(async () => {
    await session?.close();
    await vllm?.close();
    await llama?.close();
    await served?.model.dispose();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  /** Presses a button of the dialog that holds a text. */
  const agree = async (text: string, button: string): Promise<void> => {
    const dialog = session.page.locator('.monaco-dialog-box', { hasText: text });
    await dialog.getByRole('button', { name: button }).click();
    await dialog.waitFor({ state: 'hidden' });
  };
  /** Adds an engine by its address, and agrees that texts are sent there. */
  const add = async ({ address }: EngineServer): Promise<void> => {
    await session.workbench.command('Explain Tokens: Add an Engine…');
    await session.workbench.answer(address);
    await session.page.locator('.monaco-dialog-box', { hasText: `Send texts to ${address}?` }).waitFor();
    await session.screenshot('90 engine consent');
    await agree(`Send texts to ${address}?`, 'Send Texts There');
  };

  it('one reads a text to the numbers of the model here, and what it does not return is said', async () => {
    const { workbench, page } = session;
    await add(vllm);
    await page.locator('.pane-header', { hasText: 'Language Models' }).click();
    const row = page.getByRole('treeitem', {
      name: new RegExp(`^${SERVED_NAME}, current, 127\\.0\\.0\\.1:\\d+, vllm 0\\.0\\.0-test, 64 tokens, 20 alternatives$`),
    });
    await row.waitFor();
    await workbench.selectLines(1, 1);
    await workbench.command('Explain Tokens');
    await panel.frame.getByText(`vllm 0.0.0-test at ${vllm.address}`, { exact: true }).waitFor();
    const traced = traceByCommandLine(FIRST_LINE);
    await panel.shows(traced.length);
    await session.screenshot('91 engine library and panel');
    const rows = await panel.rows();
    for (const [index, { logprob, id }] of traced.entries()) {
      expect(rows[index]?.id.replaceAll(',', '')).toBe(String(id));
      if (logprob === null) continue;
      expectShown(rows[index]?.probability ?? '', 100 * Math.exp(logprob), `probability of token ${index}`);
      expectShown(rows[index]?.surprisal ?? '', -logprob / Math.LN2, `surprisal of token ${index}`);
      expect(rows[index]?.entropy).toMatch(/^≥ \d/);
    }
    const hover = await workbench.hover('reads');
    expect(hover).toContain(`at ${vllm.address}`);
    expect(hover).toContain('entropy at least');
    await session.screenshot('92 engine hover');
    await panel.openTab('Attention');
    await panel.frame.getByText('This engine does not return attention weights').waitFor();
    await panel.frame.getByText('Nearest to it on this machine: Bundled model.').waitFor();
    await session.screenshot('93 engine attention');
    expect(session.ownErrors()).toEqual([]);
  });

  it('one that takes a request for each token is asked once their number is agreed to', async () => {
    const { workbench } = session;
    await add(llama);
    // The text on show is read by the model that was just chosen.
    const count = served.encode(FIRST_LINE).length - 1;
    await agree(`Send ${count} requests to ${new URL(llama.address).host}?`, 'Send Them');
    await panel.frame.getByText(`llama.cpp b0-test at ${llama.address}`, { exact: true }).waitFor({ timeout: 60_000 });
    await panel.shows(count + 1);
    await workbench.command('Explain Tokens: Read With a Model on This Machine');
    await session.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Bundled model' }).first().click();
    await panel.frame.locator('.engine-address').waitFor({ state: 'hidden', timeout: 60_000 });
    expect(session.ownErrors()).toEqual([]);
  });
});
