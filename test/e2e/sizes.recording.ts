// README's picture of one text through many sizes: the models that test/reference/model_sizes.py trains, in a real VS Code.
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ARTIFACTS } from '../../scripts/lib/paths.mjs';
import { panelOf } from './panel.ts';
import { openSession } from './session.ts';

/** Folder with the models of test/reference/model_sizes.py. */
const MODELS = process.env['SIZES'];
const TEXT = `The old man lived in a small house by the sea. Every morning he went down to the shore and looked at the ships.
One day a young woman came to the door and said, "I have been looking for you for a long time."
"You must be tired," he said. "Come in and sit down by the fire."
She told him that she had come from the other side of the world, and that she did not know what to do.
The man looked at her for a moment, and then he said, "You can stay here as long as you like."
`;

it.runIf(MODELS)('one text through many sizes', async () => {
  const folder = MODELS ?? expect.fail('There are no models.');
  const names = readdirSync(folder).filter((name) => name.startsWith('tiny-'));
  const session = await openSession({
    files: { 'keeper.md': TEXT },
    open: 'keeper.md',
    expect: 'old man',
    settings: { 'workbench.colorTheme': 'Light Modern', 'explainTokens.colors': false },
    alone: true,
  });
  try {
    const { page, workbench, code } = session;
    // The cache of models in the home of this VS Code.
    const cached = names.map((name) => join(code.folder, `.cache/huggingface/hub/models--${name}/snapshots/${'0'.repeat(40)}`));
    for (const [index, name] of names.entries()) cpSync(join(folder, name), cached[index] ?? '', { recursive: true });
    await page.setViewportSize({ width: 1500, height: 1800 });
    await workbench.command('View: Toggle Primary Side Bar Visibility');
    await workbench.command('Explain Tokens: Choose Model…');
    const choice = (text: string) => page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
    await choice(names.at(-1) ?? '').click();
    await workbench.selectAll();
    await workbench.command('Explain Tokens');
    const panel = panelOf(workbench);
    await panel.frame.locator('.strip .token').first().waitFor();
    await workbench.command('Explain Tokens: Compare With More Models…');
    const filter = page.locator('.quick-input-widget .quick-input-box input');
    for (const name of names.slice(0, -1)) {
      await filter.fill(name);
      await choice(name).click();
    }
    await filter.fill('');
    await page.keyboard.press('Enter');
    const card = panel.frame.locator('.compare-sizes');
    await card.locator('.js-plotly-plot').waitFor();
    await card.screenshot({ path: join(ARTIFACTS, 'screenshots/readme-sizes.png') });
  } finally {
    await session.close();
  }
});
