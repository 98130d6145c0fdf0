import type { Panel } from './panel.ts';
import { until } from './until.ts';

/** The Generate tab; `say` translates its English texts into the display language. */
export function generateTab(panel: Panel, say: (english: string) => string) {
  const { frame } = panel;
  const button = (name: string) => frame.getByRole('button', { name: say(name), exact: true });
  const tokens = frame.getByRole('listbox', { name: say('Generated tokens') }).getByRole('option');
  return {
    button,
    tokens,
    open: () => frame.locator('#tab-generate').click(),
    set: async (label: string, value: string) => {
      const field = frame.getByRole('spinbutton', { name: say(label), exact: true });
      await field.fill(value);
      await field.press('Tab');
    },
    /** Presses Play, waits for exactly `count` tokens and for the end of the generation. */
    play: async (count: number) => {
      await button('Play').click();
      await until(
        `${count} generated tokens`,
        () => tokens.count(),
        (shown) => shown === count,
        120_000,
      );
      await button('Pause').waitFor({ state: 'hidden', timeout: 120_000 });
    },
    texts: () => tokens.allTextContents(),
  };
}
