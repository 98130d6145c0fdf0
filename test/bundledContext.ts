import { readFileSync } from 'node:fs';

/** Tokens that the bundled model reads at once, as its own files say. */
export const BUNDLED_CONTEXT = (JSON.parse(readFileSync(new URL('../media/models/explain-tokens-9m/config.json', import.meta.url), 'utf8')) as { readonly max_position_embeddings: number }).max_position_embeddings;
