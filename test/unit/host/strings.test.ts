import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const chinese = JSON.parse(readFileSync(join(root, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Record<string, string>;
const places = (from: string): string[] => [...from.matchAll(/\{\d\}/g)].map(String).sort();

it.each(['src/host', 'src/library'])('what %s says is in the Chinese bundle, with the same places for values', (folder) => {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const used = files.flatMap((name) => [...readFileSync(join(root, folder, name), 'utf8').matchAll(/\bt\(\s*'((?:[^'\\]|\\.)*)'/g)].map((match) => match[1] ?? ''));
  expect(used.length).toBeGreaterThan(30);
  for (const text of used) {
    expect(chinese[text], text).toBeDefined();
    expect(places(chinese[text] ?? ''), text).toEqual(places(text));
  }
});
