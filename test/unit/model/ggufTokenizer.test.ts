import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/core/trace.ts';
import type { GgufMetadata, GgufValue } from '../../../src/model/formats/gguf/ggufHeader.ts';
import { ggufTokenizer } from '../../../src/model/formats/gguf/ggufTokenizer.ts';
import { createTokenizer, type TextTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';

type Json = Record<string, unknown>;
type Metadata = Readonly<Record<string, GgufValue>>;
interface Reference {
  readonly lines: readonly number[];
  readonly folders: Readonly<Record<string, { readonly metadata: Metadata }>>;
  readonly pre: { readonly metadata: Metadata; readonly kinds: Readonly<Record<string, readonly (readonly number[])[]>> };
  readonly pieces: Readonly<
    Record<string, { readonly metadata: Metadata; readonly tokenizer: Json; readonly ids: readonly (readonly number[])[] }>
  >;
}

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/tokenizer/${name}`, import.meta.url));
const unpacked = (name: string): unknown => JSON.parse(gunzipSync(fixture(name)).toString('utf8'));
const reference = unpacked('gguf.json.gz') as Reference;
const kinds = unpacked('kinds.json.gz') as { readonly lines: readonly string[]; readonly tokenizers: Readonly<Record<string, Json>> };
const lines = reference.lines.map((index) => kinds.lines[index] ?? '');
/** All special cases and sentences, and a third of what is cut and mixed from them: the tokenizers themselves are tested on all. */
const manyLines = kinds.lines.filter((_, i) => i < 110 || i % 3 === 0);
/** More ids than any of the small tokenizers has. */
const VOCAB = 4000;

const metadataOf = (entries: Metadata, changes: Metadata = {}): GgufMetadata => new Map(Object.entries({ ...entries, ...changes }));
const opened = (metadata: GgufMetadata): TextTokenizer => createTokenizer(ggufTokenizer(metadata).tokenizer, VOCAB);
const ids = (tokenizer: TextTokenizer, line: string): string =>
  tokenizer
    .encode(line)
    .tokens.map((token) => token.id)
    .join();

/** Tokens with their places; `own` leaves out those added around a text. */
const tokensOf = (tokenizer: TextTokenizer, line: string, own: boolean): readonly Token[] => {
  const { tokens } = tokenizer.encode(line);
  return own ? tokens.filter((token) => !token.special).map((token, index) => ({ ...token, index })) : tokens;
};

function folder(name: string): Json {
  return kinds.tokenizers[name] ?? (JSON.parse(fixture(`${name}.json`).toString('utf8')) as Json);
}

describe.each(Object.entries(reference.folders))('%s, converted to GGUF', (name, { metadata }) => {
  // What is put around the text: GLM's two tokens cannot be said in GGUF, where one can.
  const own = name === 'glm4';

  it('gives the ids, places and bytes of the folder it was made of, on hard strings', () => {
    const original = createTokenizer(folder(name), VOCAB);
    const tokenizer = opened(metadataOf(metadata));
    for (const line of manyLines) expect(tokensOf(tokenizer, line, own), JSON.stringify(line)).toEqual(tokensOf(original, line, own));
  });
});

describe.each(Object.entries(reference.pre.kinds))('the pre-tokenizer %s', (name, expected) => {
  it('cuts hard strings as the Python library does', () => {
    const tokenizer = opened(metadataOf(reference.pre.metadata, { 'tokenizer.ggml.pre': name }));
    lines.forEach((line, i) => expect(ids(tokenizer, line), JSON.stringify(line)).toBe(expected[i]?.join()));
  });
});

it('reads what InternLM 2’s converter spells as a dragon as the character 0 that it stands for', () => {
  const [metadata = {}] = Object.values(reference.pieces).map((piece) => piece.metadata);
  const pieces = metadata['tokenizer.ggml.tokens'] as readonly GgufValue[];
  const last = pieces.length - 1;
  const spelled = (architecture: string, tokens: readonly GgufValue[]): unknown =>
    ggufTokenizer(metadataOf(metadata, { 'general.architecture': architecture, 'tokenizer.ggml.tokens': tokens })).tokenizer;
  const dragon = pieces.with(last, '🐉');
  expect(spelled('internlm2', dragon)).toMatchObject({ model: { vocab: { '\0': last } } });
  expect(spelled('llama', dragon)).toMatchObject({ model: { vocab: { '🐉': last } } });
  // Of two it cannot be told which one stands for it.
  expect(spelled('internlm2', dragon.with(last - 1, '🐉'))).toMatchObject({ model: { vocab: { '🐉': last } } });
});

describe.each(Object.entries(reference.pieces))('SentencePiece, as in %s', (_, { metadata, tokenizer: original, ids: expected }) => {
  it('gives the ids of the library, merges found by the scores', () => {
    const tokenizer = opened(metadataOf(metadata));
    lines.forEach((line, i) => expect(ids(tokenizer, line), JSON.stringify(line)).toBe(expected[i]?.join()));
  });

  it('gives the ids, places and bytes of the folder that transformers makes of it, on hard strings', () => {
    const folder = createTokenizer(original, VOCAB);
    const tokenizer = opened(metadataOf(metadata));
    for (const line of manyLines) expect(tokensOf(tokenizer, line, false), JSON.stringify(line)).toEqual(tokensOf(folder, line, false));
  });

  it('of Gemma 4 is the same with merges in the file', () => {
    const gemma = reference.pieces['gemma']?.metadata ?? {};
    const found = ggufTokenizer(metadataOf(gemma)).tokenizer as { readonly model: { readonly merges: readonly (readonly string[])[] } };
    const named = { 'tokenizer.ggml.model': 'gemma4', 'general.architecture': 'gemma4', 'tokenizer.ggml.add_bos_token': false };
    const merges = found.model.merges.map((pair) => pair.join(' '));
    expect(ggufTokenizer(metadataOf(gemma, { ...named, 'tokenizer.ggml.merges': merges })).tokenizer).toEqual(found);
    expect(() => ggufTokenizer(metadataOf(gemma, named))).toThrow('tokenizer.ggml.merges is missing');
  });

  it('has the merges of transformers, in their order', () => {
    const { merges } = original['model'] as { readonly merges: unknown };
    expect((ggufTokenizer(metadataOf(metadata)).tokenizer['model'] as { readonly merges: unknown }).merges).toEqual(merges);
  });
});
