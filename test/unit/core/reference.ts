import { readFileSync } from 'node:fs';

interface Reference {
  readonly distributions: readonly { logits: number[]; temperature: number; probs: number[]; entropy: number; lse: number }[];
  readonly warpers: readonly {
    logits: number[];
    settings: { temperature: number; topK: number; topP: number; minP: number };
    final: number[];
  }[];
  readonly components: readonly { dims: [number, number]; rows: number[]; skipFirst: boolean; points: number[]; explained: number[] }[];
  readonly heads: { ids: number[]; weights: number[]; dims: number[]; metrics: number[][]; size: number; thumbnails: number[] };
}

/** Values computed by NumPy and transformers (test/reference/core_reference.py). */
export const reference = JSON.parse(readFileSync(new URL('../../fixtures/core/reference.json', import.meta.url), 'utf8')) as Reference;
