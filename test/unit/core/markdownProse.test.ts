import { expect, test } from 'vitest';
import { prosePieces } from '../../../src/core/markdownProse.ts';

const prose = (text: string): string =>
  prosePieces(text)
    .map(({ from, to, at }) => text.slice(at, at + to - from))
    .join('');

test.each([
  ['no code', 'a\n\nb `c` d', 'a\n\nb `c` d'],
  ['a block', 'a\n```ts\nx\n```\nb\n', 'a\nb\n'],
  ['CR LF', 'a\r\n~~~\r\nx\r\n~~~\r\nb\r\n', 'a\r\nb\r\n'],
  ['a longer fence around a shorter', '````\n```\nx\n```\n````\nb', 'b'],
  ['a fence of the other kind inside', '~~~\n```\n~~~\nb', 'b'],
  ['a block that is not closed', 'a\n```\nx\n``` y\n', 'a\n'],
  ['inline code of three backticks', 'a ``` b\n``` c ``` d\n', 'a ``` b\n``` c ``` d\n'],
  ['an indented fence', 'a\n   ```\nx\n  ```  \nb', 'a\nb'],
  ['fences indented too far', '    ```\nx', '    ```\nx'],
  ['code alone', '```\nx\n```', ''],
  ['nothing', '', ''],
])('prose of Markdown with %s', (_, text, expected) => {
  expect(prose(text)).toBe(expected);
  const pieces = prosePieces(text);
  for (const [index, { from, to, at }] of pieces.entries()) {
    expect(from).toBe(pieces[index - 1]?.to ?? 0);
    expect(to).toBeGreaterThan(from);
    expect(at).toBeGreaterThan((pieces[index - 1]?.at ?? -1) + from - (pieces[index - 1]?.from ?? 0));
  }
});
