import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { parseAst } from 'vite';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const bundle = readFileSync(join(root, 'l10n/bundle.l10n.zh-cn.json'), 'utf8');
const chinese = JSON.parse(bundle) as Record<string, string>;
const places = (from: string): string[] => [...from.matchAll(/\{\d\}/g)].map(String).sort();

/** Sources of a folder, by path. */
function sourcesOf(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map(files.map((name) => [join(folder, name), readFileSync(join(root, folder, name), 'utf8')]));
}

function expectChinese(texts: readonly string[]): void {
  for (const text of texts) {
    expect(chinese[text], text).toBeDefined();
    expect(places(chinese[text] ?? ''), text).toEqual(places(text));
  }
}

/** The text of a literal, or of literals joined by `+`; undefined for anything else. */
function textOf(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !('type' in node)) return undefined;
  if (node.type === 'Literal' && 'value' in node) return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'BinaryExpression' || !('left' in node) || !('right' in node)) return undefined;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  return left === undefined || right === undefined ? undefined : left + right;
}

/** First arguments of the calls of `t`, where they are texts. */
function saidTexts(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap(saidTexts);
  if (!('type' in node) || node.type !== 'CallExpression') return inside;
  const { callee, arguments: given } = node as unknown as {
    readonly callee: { readonly name?: string };
    readonly arguments: readonly unknown[];
  };
  const text = callee.name === 't' ? textOf(given[0]) : undefined;
  return text === undefined ? inside : [text, ...inside];
}

const parsed = (source: string): unknown => parseAst(transformSync(source, { loader: 'ts', target: 'esnext' }).code);

it('the Chinese bundle has each text once, since of two the last would be shown everywhere', () => {
  expect([...bundle.matchAll(/^ {2}("[^\n]*?"): "/gm)].map(([, key]) => key)).toEqual(
    Object.keys(chinese).map((key) => JSON.stringify(key)),
  );
});

it.each(['src/host', 'src/library'])('what %s says is in the Chinese bundle, with the same places for values', (folder) => {
  const used = [...sourcesOf(folder).values()].flatMap((source) => saidTexts(parsed(source)));
  expect(used.length).toBeGreaterThan(30);
  expectChinese(used);
});

/** Texts of the templates that are tagged `msg`, as the tag makes them. */
function taggedTexts(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap(taggedTexts);
  if (!('type' in node) || node.type !== 'TaggedTemplateExpression') return inside;
  const { tag, quasi } = node as unknown as {
    readonly tag: { readonly name?: string };
    readonly quasi: { readonly quasis: readonly { readonly value: { readonly cooked: string } }[] };
  };
  if (tag.name !== 'msg') return inside;
  return [quasi.quasis.map(({ value }) => value.cooked).reduce((before, part, i) => `${before}{${i - 1}}${part}`), ...inside];
}

it('what the worker says is in the Chinese bundle, with the same places for values', () => {
  const used = [...sourcesOf('src').values()].flatMap((source) => taggedTexts(parsed(source)));
  expect(used.length).toBeGreaterThan(300);
  expectChinese(used);
});

it('the worker says nothing that is in English only', () => {
  const plain = ['src/core', 'src/model', 'src/worker'].flatMap((folder) =>
    [...sourcesOf(folder)].flatMap(([path, source]) =>
      [...source.matchAll(/new (?:UserError|NoMemoryError)\(['"`].*/g)].map((match) => `${path}: ${match[0]}`),
    ),
  );
  expect(plain).toEqual([]);
});
