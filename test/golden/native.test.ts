import { describe } from 'vitest';
import { goldenTests } from './cases.ts';
import { native } from './compare.ts';

describe('native', () => goldenTests(native));
