import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { filesOf } from '../model/folder.ts';

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, unknown>>;
  /** By text. */
  readonly ids: Readonly<Record<string, readonly number[]>>;
}
const CASES = (JSON.parse(readFileSync('test/fixtures/tokenizer/namedTokens.json', 'utf8')) as readonly Case[]).map(
  (one) => [one.name, one] as const,
);
const texts = (files: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)]));

describe('tokens that the files beside tokenizer.json name', () => {
  test.each(CASES)('%s: ids as AutoTokenizer gives', async (_, { files, ids }) => {
    const tokenizer = await openTokenizer(filesOf(texts(files)), 1000);
    for (const [text, expected] of Object.entries(ids)) expect([...tokenizer.encode(text).ids], text).toEqual(expected);
  });

  it('read as what they are, and special ones spell nothing', async () => {
    const [, first] = CASES[0] ?? expect.fail('no case');
    const tokenizer = await openTokenizer(filesOf(texts(first.files)), 1000);
    const { ids } = tokenizer.encode('a<|mine|>[PAD]');
    expect([...ids].map(tokenizer.piece)).toEqual(['a', '<|mine|>', '[PAD]']);
    expect(tokenizer.textOf(ids)).toBe('a');
  });

  it('one without a row is told where a text holds it, and no other text is refused', async () => {
    const [, first] = CASES[0] ?? expect.fail('no case');
    const tokenizer = await openTokenizer(filesOf(texts(first.files)), 98);
    expect(tokenizer.encode('a<|mine|>').ids.length).toBe(2);
    expect(() => tokenizer.encodeFirst('a[PAD]', 10)).toThrow(
      'The text holds the token "[PAD]" (id 98), for which this model has no row: its vocabulary ends at 97. Leave it out of the text.',
    );
    expect(tokenizer.encodeFirst('aaaaaa[PAD]', 4).length).toBe(4);
  });

  it.each<[string, string, RegExp]>([
    ['a list', '[]', /tokenizer_config\.json is not an object/],
    ['a decoder that is none', '{"added_tokens_decoder": 3}', /added_tokens_decoder is not an object/],
    ['a token without content', '{"added_tokens_decoder": {"5": {}}}', /tokenizer_config\.json does not say the content of token 5/],
  ])('%s is refused', async (_, config, message) => {
    const [, first] = CASES[0] ?? expect.fail('no case');
    await expect(openTokenizer(filesOf({ ...texts(first.files), 'tokenizer_config.json': config }), 1000)).rejects.toThrow(message);
  });

  it('NaN and Infinity in it are read as Python does', async () => {
    const [, first] = CASES[0] ?? expect.fail('no case');
    const config = JSON.stringify({
      ...(first.files['tokenizer_config.json'] as object),
      model_max_length: 0,
      why: 'not NaN, "Infinity"',
    }).replace('"model_max_length":0', '"model_max_length":Infinity,"other":[NaN,-Infinity]');
    const tokenizer = await openTokenizer(filesOf({ ...texts(first.files), 'tokenizer_config.json': config }), 1000);
    expect(tokenizer.encode('a[PAD]').ids.length).toBe(2);
  });
});
