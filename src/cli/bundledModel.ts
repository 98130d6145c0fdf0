import { join } from 'node:path';

/** Path of the bundled model within the package. */
export const BUNDLED_MODEL = join('media', 'models', 'explain-tokens-9m');
