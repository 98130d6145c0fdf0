import { describe, expect, expectTypeOf, test } from 'vitest';
import type { LensWindow } from '../../../src/core/trace.ts';
import { answersKept, parseQuery, QUESTIONS, type PageQueryName, type QueryArgs, type QueryResult } from '../../../src/protocol/queries.ts';

/** Never run: the compiler checks that each question has its arguments and result. */
export function typesFollowTheTable(): void {
  expectTypeOf<QueryArgs<'attentionRow'>>().toEqualTypeOf<{ readonly layer: number; readonly head: number; readonly query: number }>();
  expectTypeOf<QueryResult<'lens'>>().toEqualTypeOf<LensWindow>();
  expectTypeOf<QueryArgs<'divergence'>['positions']>().toEqualTypeOf<Int32Array>();
  expectTypeOf<Extract<PageQueryName, 'logits' | 'divergence' | 'vocabularyKey'>>().toBeNever();
}

const WINDOW = { layer: 1, layers: 2, position: 3, positions: 4 };

describe('the table of questions', () => {
  test('lets the page ask what says how many answers it keeps, and nothing that is the host’s alone', () => {
    const [page, host] = [true, false].map((own) =>
      Object.entries(QUESTIONS).flatMap(([name, line]) => ('check' in line === own ? [name] : [])),
    );
    expect(host).toEqual(['readVector', 'vectorFile', 'vocabularyKey', 'fileMarks', 'attentionRows', 'scores', 'logits', 'divergence']);
    for (const name of page ?? []) expect(answersKept(name as PageQueryName)).toBeGreaterThanOrEqual(0);
    expect([answersKept('steps'), answersKept('lens')]).toEqual([0, 1024]);
    const positions = Int32Array.of(0);
    expect(parseQuery({ name: 'vocabularyKey', args: {} })).toBeUndefined();
    expect(parseQuery({ name: 'logits', args: { positions } })).toBeUndefined();
    expect(parseQuery({ name: 'divergence', args: { positions, other: { kind: 'logits', logits: new Float32Array(1) } } })).toBeUndefined();
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', '', 7, null, ['lens']])('has no question named %j', (name) => {
    expect(parseQuery({ name, args: { layer: 0 } })).toBeUndefined();
  });

  test('copies what a line names, at every depth, and nothing else', () => {
    const args = { ...WINDOW, evil: 2 };
    const parsed = parseQuery({ name: 'lens', args, evil: 3 });
    expect(parsed).toEqual({ name: 'lens', args: WINDOW });
    expect(parsed?.args).not.toBe(args);
    expect(
      parseQuery({
        name: 'wordByLayer',
        args: { first: { ids: [1], token: 0, evil: 1 }, second: { ids: null, token: 0 }, frame: 'stored', evil: 1 },
      }),
    ).toEqual({ name: 'wordByLayer', args: { first: { ids: [1], token: 0 }, second: { ids: null, token: 0 }, frame: 'stored' } });
    expect(parseQuery({ name: 'vectorMap', args: { vectors: [[{ ids: [1], weight: 1, evil: 1 }]], frame: 'stored' } })).toEqual({
      name: 'vectorMap',
      args: { vectors: [[{ ids: [1], weight: 1 }]], frame: 'stored' },
    });
  });

  test('believes no argument that is inherited', () => {
    expect(parseQuery({ name: 'lens', args: Object.create(WINDOW) as unknown })).toBeUndefined();
    expect(parseQuery({ name: 'lens', args: null })).toBeUndefined();
    expect(parseQuery({ name: 'lens', ...WINDOW })).toBeUndefined();
  });
});
