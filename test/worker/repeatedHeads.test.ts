import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  meanOfSequences,
  REPEATED_SCORES,
  REPEATED_SEQUENCES,
  type RepeatedHeads,
  type RepeatedScore,
} from '../../src/core/repeatedTokens.ts';
import { at } from '../../src/core/tensor.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import { openFamily } from '../webview/family.ts';

const root = join(import.meta.dirname, '..', '..');
const MODEL = join(root, 'media/models/explain-tokens-9m');
/** As training/measures.py calls them. */
const NAMES: Readonly<Record<RepeatedScore, string>> = {
  previous: 'previous token',
  induction: 'induction',
  duplicate: 'duplicate token',
  first: 'first token',
};

interface Evaluation {
  readonly heads: {
    readonly scores: Readonly<Record<string, readonly (readonly number[])[]>>;
    readonly nats: { readonly 'first copy': number; readonly 'second copy': number };
  };
}

/** The numbers of a table of the model's card: [layer][head]. */
function cardTable(card: string, name: string): readonly (readonly number[])[] {
  const table = card.split(`**${name}**`)[1]?.split('\n\n')[1] ?? '';
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').slice(2, -1).map(Number));
}

describe('heads on repeated random tokens', () => {
  it('score as the card of the bundled model says, which transformers measured', async () => {
    const connection = connect<WorkerApi>(startNodeWorker(join(root, 'dist'), { runtime: 'wasm' }));
    try {
      const { layers, heads } = await connection.remote.open({ kind: 'folder', name: 'explain-tokens-9m', path: MODEL });
      const parts: RepeatedHeads[] = [];
      for (let sequence = 0; sequence < REPEATED_SEQUENCES; sequence++)
        parts.push(await connection.remote.ask(runOf([], UNCHANGED), 'repeatedHeads', { sequence }));
      const found = meanOfSequences(parts) ?? expect.fail('There are sequences.');
      expect([found.tokens, found.begins]).toEqual([50, true]);
      const { scores, nats } = (JSON.parse(readFileSync(join(root, 'training/evaluation.json'), 'utf8')) as Evaluation).heads;
      const card = readFileSync(join(MODEL, 'README.md'), 'utf8');
      REPEATED_SCORES.forEach((name, place) => {
        const printed = cardTable(card, NAMES[name]);
        expect([printed.length, printed[0]?.length]).toEqual([layers, heads]);
        for (let layer = 0; layer < layers; layer++) {
          for (let head = 0; head < heads; head++) {
            const score = at(found.scores, (layer * heads + head) * REPEATED_SCORES.length + place);
            expect(Math.abs(score - (scores[NAMES[name]]?.[layer]?.[head] ?? Number.NaN)), `${name} ${layer}.${head}`).toBeLessThan(2e-4);
            expect(Math.abs(score - (printed[layer]?.[head] ?? Number.NaN)), `${name} ${layer}.${head} on the card`).toBeLessThan(0.0052);
          }
        }
      });
      expect(found.firstBits * Math.LN2).toBeCloseTo(nats['first copy'], 2);
      expect(found.secondBits * Math.LN2).toBeCloseTo(nats['second copy'], 2);
      // One picture a head, of the first sequence.
      expect(parts.map(({ thumbnails, thumbnailSize }) => thumbnails.length / Math.max(1, thumbnailSize) ** 2)).toEqual([
        layers * heads,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ]);
      await expect(connection.remote.ask(runOf([], UNCHANGED), 'repeatedHeads', { sequence: REPEATED_SEQUENCES })).rejects.toThrow(
        'outside',
      );
    } finally {
      await connection.dispose();
    }
  });

  it('leave special tokens out, and fit a small context', async () => {
    const { remote, shown } = await openFamily('gpt2');
    const found = await remote.ask(runOf([], UNCHANGED), 'repeatedHeads', { sequence: 0 });
    expect(2 * found.tokens + Number(found.begins)).toBeLessThanOrEqual(shown.explanation.model.contextLength);
    expect(found.scores.every((score) => score >= 0 && score <= 1)).toBe(true);
  });
});
