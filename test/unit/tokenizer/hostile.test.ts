import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { openTokenizer } from '../../../src/model/tokenizer.ts';
import { memoryFiles } from '../../../src/worker/files.memory.ts';

type Json = Record<string, unknown>;
const { tokenizers } = JSON.parse(gunzipSync(readFileSync(new URL('../../fixtures/tokenizer/kinds.json.gz', import.meta.url))).toString('utf8')) as { readonly tokenizers: Readonly<Record<string, Json>> };

const open = async (json: unknown, vocab = 2000): Promise<Awaited<ReturnType<typeof openTokenizer>>> => openTokenizer(memoryFiles('m', { 'tokenizer.json': new TextEncoder().encode(JSON.stringify(json)) }), vocab);

/** A repeatable sequence of numbers below 1 (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const HOSTILE: readonly unknown[] = [null, true, false, 0, -1, 1.5, 1e300, '', 'x', '__proto__', '[', '(?<=', '\\p{Nope}', '▁', '\ud800', [], [[]], [null], {}, { type: 'Sequence' }, { String: '' }, { Regex: '(a+)+$x' }, { Regex: '' }];

/** The tree with one node replaced, the deeper parts of long lists left alone so that structure is hit more often than single tokens. */
function changed(json: unknown, next: () => number): unknown {
  const copy = structuredClone(json);
  let node = copy;
  for (let depth = 0; depth < 6; depth++) {
    if (typeof node !== 'object' || node === null) break;
    const keys = Object.keys(node).slice(0, 12);
    const key = keys[Math.floor(next() * keys.length)];
    if (key === undefined) break;
    const parent = node as Json;
    const child = parent[key];
    if (next() < 0.4 || typeof child !== 'object' || child === null) {
      parent[key] = HOSTILE[Math.floor(next() * HOSTILE.length)];
      break;
    }
    node = child;
  }
  return copy;
}

describe('a changed tokenizer.json', () => {
  it.each(Object.keys(tokenizers))('%s opens and spells texts, or is refused in one sentence', async (name) => {
    const next = sequence(name.length * 7919);
    const seen = { opened: 0, refused: 0 };
    for (let round = 0; round < 25; round++) {
      const json = changed(tokenizers[name], next);
      const begun = performance.now();
      try {
        const tokenizer = await open(json);
        seen.opened++;
        for (const text of ['The fox: 12 e\u0301 ½ 你好😀 <s> x', ' ', '']) {
          const own = tokenizer.encode(text).tokens.filter((token) => !token.special);
          expect(Buffer.from(own.flatMap((token) => [...token.bytes])).toString()).toBe(text);
        }
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toMatch(/^[^\n]{10,300}\.$/);
        seen.refused++;
      }
      expect(performance.now() - begun).toBeLessThan(5000);
    }
    expect(Math.min(seen.opened, seen.refused)).toBeGreaterThan(0);
  });
});

describe('sizes', () => {
  it('a million tokens beyond the model are refused at the first', async () => {
    const vocab = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`t${i}`, i]));
    await expect(open({ model: { type: 'BPE', vocab, merges: [] } }, 1000)).rejects.toThrow(/"t1000" has id 1000, but the model's vocabulary ends at 999/);
  });

  it('opens 256,000 Unigram tokens in seconds and finds the likeliest path among them', async () => {
    const vocab: [string, number][] = [['<unk>', 0], ...Array.from({ length: 255_999 }, (_, i): [string, number] => [i.toString(36), -10 - (i % 97) / 100])];
    const begun = performance.now();
    const tokenizer = await open({ model: { type: 'Unigram', vocab, unk_id: 0 } }, 256_000);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(tokenizer.encode('5hha').tokens.map((token) => token.text)).toEqual(['5hha']);
  });
});
