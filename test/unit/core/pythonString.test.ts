import { expect, test } from 'vitest';
import { pythonString } from '../../../src/core/pythonString.ts';

// Python reads each literal as the text: [eval(literal) == text], checked by Python 3.11.
test.each([
  ['gpt2', '"gpt2"'],
  ['C:\\models\\"x"', '"C:\\\\models\\\\\\"x\\""'],
  ['模型 é 👩', '"模型 é 👩"'],
  ['a\nimport os', '"a\\u000aimport os"'],
  ['\u202e# nothing\u2066', '"\\u202e# nothing\\u2066"'],
  ['x\u2028y\u0000', '"x\\u2028y\\u0000"'],
  ['\u{e0041}\ud800', '"\\U000e0041\\ud800"'],
])('%j is %s', (text, literal) => {
  expect(pythonString(text)).toBe(literal);
});
