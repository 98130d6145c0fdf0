import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isStageName, STAGES } from '../../../src/core/forwardPath.ts';

const ROWS = Object.entries(STAGES);
const FOLDER = 'src/model/path';

describe('the table of stages', () => {
  test('has every stage that a path is built from', () => {
    const sources = readdirSync(FOLDER).map((file) => readFileSync(`${FOLDER}/${file}`, 'utf8'));
    const added = sources.flatMap((source) =>
      [...source.matchAll(/\bpath\.(?:add|linear|norm)\(\s*'(?<name>\w+)'/g)].map(({ groups }) => groups?.['name']),
    );
    expect(added.length).toBeGreaterThan(40);
    expect(added.filter((name) => !isStageName(name))).toEqual([]);
  });

  test('gives TransformerLens’s names as it writes them, each to one stage', () => {
    const hooks = ROWS.flatMap(([, [hook]]) => hook ?? []);
    for (const hook of hooks) expect(hook).toMatch(/^(\w+\.)*hook_\w+$/);
    expect(new Set(hooks).size).toBe(hooks.length);
    expect(STAGES.weights[0]).toBe('attn.hook_pattern');
    expect(STAGES.z[0]).toBe('attn.hook_z');
    expect(STAGES.hidden[0]).toBe('mlp.hook_post');
    expect(STAGES.attentionAdded[0]).toBe('hook_resid_mid');
  });

  test('gives modules by their path', () => {
    // One a model, where models differ.
    for (const [, [, modules]] of ROWS)
      for (const module of (modules ?? 'none').split(', ')) expect(module).toMatch(/^\w+(\.\w+)*( \([\w .]+\))?$/);
  });

  test('is what a stage from outside is looked up in, not its prototype', () => {
    expect(ROWS.every(([name]) => isStageName(name))).toBe(true);
    expect(['constructor', 'toString', 'mixed', '', 0, null].filter(isStageName)).toEqual([]);
  });
});
