/** A short text in English, Chinese and TypeScript, like the samples. */
export const SAMPLE = `The model reads a text as tokens, one by one.

你好，世界！语言模型把文字切成词元，再预测下一个词元。

for (let i = 0; i < tokens.length; i++) {
  const token = tokens[i];
  console.log(token.text);
}
`;

/** Number of lines in `SAMPLE`. */
export const SAMPLE_LINES = 8;

const lines = SAMPLE.split('\n');

/** The text of these lines of `SAMPLE`, counted from 1, as an editor's selection contains it. */
export function sampleLines(first: number, last: number): string {
  return lines.slice(first - 1, last).join('\n');
}
