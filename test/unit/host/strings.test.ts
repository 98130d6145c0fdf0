import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { parseAst } from 'vite';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const chinese = JSON.parse(readFileSync(join(root, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Record<string, string>;
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

it.each(['src/host', 'src/library'])('what %s says is in the Chinese bundle, with the same places for values', (folder) => {
  const used = [...sourcesOf(folder).values()].flatMap((source) => [...source.matchAll(/\bt\(\s*'((?:[^'\\]|\\.)*)'/g)].map((match) => match[1] ?? ''));
  expect(used.length).toBeGreaterThan(30);
  expectChinese(used);
});

/** Texts of the templates that are tagged `msg`, as the tag makes them. */
function taggedTexts(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap(taggedTexts);
  if (!('type' in node) || node.type !== 'TaggedTemplateExpression') return inside;
  const { tag, quasi } = node as unknown as { readonly tag: { readonly name?: string }; readonly quasi: { readonly quasis: readonly { readonly value: { readonly cooked: string } }[] } };
  if (tag.name !== 'msg') return inside;
  return [quasi.quasis.map(({ value }) => value.cooked).reduce((before, part, i) => `${before}{${i - 1}}${part}`), ...inside];
}

it('what the worker says is in the Chinese bundle, with the same places for values', () => {
  const used = [...sourcesOf('src').values()].flatMap((source) => taggedTexts(parseAst(transformSync(source, { loader: 'ts', target: 'esnext' }).code)));
  expect(used.length).toBeGreaterThan(300);
  expectChinese(used);
});

it('the worker says nothing that is in English only', () => {
  const plain = ['src/core', 'src/model', 'src/worker'].flatMap((folder) => [...sourcesOf(folder)].flatMap(([path, source]) => [...source.matchAll(/new (?:UserError|NoMemoryError)\(['"`].*/g)].map((match) => `${path}: ${match[0]}`)));
  expect(plain).toEqual([]);
});
