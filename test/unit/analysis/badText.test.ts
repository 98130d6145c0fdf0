import { beforeAll, describe, expect, test } from 'vitest';
import { layOut } from '../../../src/analysis/layOut.ts';
import type { TextTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { MODEL } from '../host/explanations.ts';
import { folder } from '../model/folder.ts';

const VOCABULARY = 16_384;

describe('the tokens of a whole file', () => {
  let tokenizer: TextTokenizer;
  beforeAll(async () => {
    tokenizer = await openTokenizer(folder('media/models/explain-tokens-9m'), VOCABULARY);
  });

  test.each([
    ['CR LF', 'one line\r\nand another\r\n\r\nthe last'],
    ['mixed line ends', 'a\r\nb\nc\r\rd\n\r'],
    ['no text but bytes', '\u0000\u0001\ufffd\u0000\ud800 PNG\r\n\u001a\n\ufeff\udc00'],
    ['a log', '2026-01-02T03:04:05Z ERROR [net] \u001b[31mlost\u001b[0m 0xdeadbeef\r\n'.repeat(400)],
    ['one line without spaces', `${'a'.repeat(3000)}${'今天天气很好'.repeat(500)}${'0123456789'.repeat(300)}`],
  ])('cover a text of %s without a gap or a shift', async (_, text) => {
    const open = {
      model: { info: MODEL, sharedTokens: () => 0 },
      tokenizer,
      generation: { eos: [], rules: [], applied: [], leftOut: [], suggested: [] },
    };
    const room = async () => ({ tokens: 64, bytes: 1e9 });
    const { tokens, read } = await layOut(
      { open, room, progress: async () => undefined } as unknown as Parameters<typeof layOut>[0],
      text,
      null,
    );
    expect(read).toBe(text.length);
    let [end, bytes] = [0, 0];
    for (let index = 0; index < tokens.ids.length; index++) {
      if (tokens.special[index] === 1) continue;
      // Bytes of one character may be tokens of their own, with one place.
      expect(tokens.start[index]).toBeLessThanOrEqual(end);
      expect(tokens.end[index]).toBeGreaterThanOrEqual(end);
      end = tokens.end[index] ?? 0;
      bytes += tokens.bytes[index] ?? 0;
    }
    expect([end, bytes]).toEqual([text.length, new TextEncoder().encode(text).length]);
  });
});
