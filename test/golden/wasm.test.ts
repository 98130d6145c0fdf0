import { describe } from 'vitest';
import { goldenTests } from './cases.ts';
import { wasm } from './compare.ts';

describe('WASM', () => goldenTests('WASM', wasm));
