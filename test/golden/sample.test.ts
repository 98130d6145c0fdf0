import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawSettings } from '../../webview/generation/generator.ts';
import { INITIAL_SETTINGS } from '../../webview/viewSettings.ts';
import { openBundled } from '../webview/family.ts';

const SAMPLE = readFileSync('samples/hello.md', 'utf8');
const paragraphs = SAMPLE.split('\n\n');

describe('the shipped sample', () => {
  it.each([
    ['all of it', SAMPLE],
    ['its first paragraph', paragraphs[1] ?? ''],
    ['its last paragraph', paragraphs.at(-1) ?? ''],
  ])('%s invites the bundled model to go on, greedily and with the panel’s settings', async (_, text) => {
    const { answer } = await openBundled(text);
    for (const greedy of [true, false]) {
      const continuation: number[] = [];
      while (continuation.length < 40) {
        const reply = await answer({
          name: 'steps',
          args: { continuation, ...drawSettings({ ...INITIAL_SETTINGS, greedy }), topK: 1, pastEnd: false, most: 16 },
        });
        const steps = 'steps' in reply ? reply.steps : [];
        expect(steps.filter(({ stop }) => stop !== null)).toEqual([]);
        continuation.push(...steps.map(({ id }) => id));
      }
      const { text: written } = (await answer({ name: 'textOf', args: { ids: continuation } })) as { readonly text: string };
      // Words; taken greedily they come round again.
      expect(new Set(written.match(/\p{L}+/gu)).size, written).toBeGreaterThanOrEqual(greedy ? 4 : 12);
    }
  });
});
