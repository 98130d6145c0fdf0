/** English, Chinese and TypeScript: what the samples show, in a few lines. */
export const SAMPLE = `The model reads a text as tokens, one by one.

你好，世界！语言模型把文字切成词元，再预测下一个词元。

for (let i = 0; i < tokens.length; i++) {
  const token = tokens[i];
  console.log(token.text);
}
`;

/** Lines of `SAMPLE`, counted from 1. */
export const SAMPLE_LINES = 8;

const lines = SAMPLE.split('\n');

/** What the editor's selection of these whole lines holds. */
export function sampleLines(first: number, last: number): string {
  return lines.slice(first - 1, last).join('\n');
}
