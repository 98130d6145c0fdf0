import { readFileSync } from 'node:fs';

/** Context length of the bundled model in tokens, from its own config.json. */
export const BUNDLED_CONTEXT = (
  JSON.parse(readFileSync(new URL('../media/models/explain-tokens-9m/config.json', import.meta.url), 'utf8')) as {
    readonly max_position_embeddings: number;
  }
).max_position_embeddings;
