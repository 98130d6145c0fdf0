// @vitest-environment happy-dom
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import type { FigureData } from '../../webview/figures/figureData.ts';
import {
  candidateNumbers,
  changedNumbers,
  copyNumbers,
  deletionMeans,
  differenceNumbers,
  drawnNumbers,
  flowNumbers,
  neighbourNumbers,
  outcomeNumbers,
  returnedNumbers,
  sizeNumbers,
  spanNumbers,
  steeredNumbers,
  sumNumbers,
  waterfallNumbers,
} from '../../webview/figures/tableNumbers.ts';
import { compareSizes } from '../../src/core/modelSizes.ts';
import { el } from '../../webview/parts/dom.ts';
import { setFileTaker, type FileContent } from '../../webview/parts/fileSaving.ts';
import { tableEntries, tableWriter, withTableMenu } from '../../webview/parts/tableMenu.ts';
import { readFixture } from './readFixture.ts';

const WEBVIEW = join(ROOT, 'webview');

let saved: (readonly [name: string, content: FileContent])[];
let copied: string[];
beforeEach(() => {
  [saved, copied] = [[], []];
  setFileTaker({ save: (name, content) => saved.push([name, content]), copy: (text) => copied.push(text) });
  document.body.replaceChildren();
});

const lines = (numbers: FigureData): readonly string[] => tableWriter(numbers)('csv').trimEnd().split('\r\n');

describe('the menu of a table', () => {
  it('has every table of the panel, but for those that screen readers alone are given of a figure', () => {
    const files = readdirSync(WEBVIEW, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const made = files.flatMap((name) => {
      const source = readFileSync(join(WEBVIEW, name), 'utf8');
      const tables = [...source.matchAll(/<table\b|\bel\(\s*'table',\s*(?:\{[^}]*\})?/g)].filter(
        ([tag]) => !tag.includes('visually-hidden'),
      );
      return tables.map(() => ({ name, saves: /\b(?:withTableMenu|createTableMenu)\(/.test(source) || name.endsWith('tokenGrid.ts') }));
    });
    expect(made.length).toBeGreaterThanOrEqual(17);
    expect(made.filter(({ saves }) => !saves)).toEqual([]);
  });

  const table: FigureData = {
    kind: 'table',
    columns: ['text', 'value'],
    rows: [
      ['=1+1', 0.1],
      ['a\tb', null],
    ],
  };

  it('saves a table in each format by a name of its own, and copies it; no text is a formula', () => {
    for (const { chosen } of tableEntries('sums', (write) => write(tableWriter(table)))) chosen();
    expect(saved).toEqual([
      ['sums.csv', "text,value\r\n'=1+1,0.1\r\na\tb,\r\n"],
      ['sums.tsv', 'text\tvalue\r\n\'=1+1\t0.1\r\n"a\tb"\t\r\n'],
      ['sums.json', expect.stringContaining('"text": "=1+1"')],
    ]);
    expect(copied).toEqual(['text\tvalue\r\n\'=1+1\t0.1\r\n"a\tb"\t\r\n']);
  });

  it('is there for the keys too: Ctrl+C in the table or its menu copies the table, and no other key does', () => {
    const frame = withTableMenu('Sums', el('table', {}), { file: () => 'sums', numbers: () => table });
    document.body.append(frame);
    expect(frame.querySelector('[aria-haspopup="menu"]')?.getAttribute('aria-label')).toBe('Save: Sums');
    const press = (on: Element | null, key: string, held: KeyboardEventInit): boolean =>
      on?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...held })) ?? false;
    expect(press(frame, 'c', {})).toBe(true);
    expect(press(frame, 'x', { ctrlKey: true })).toBe(true);
    expect(copied).toEqual([]);
    expect(press(frame, 'c', { ctrlKey: true })).toBe(false);
    expect(press(frame.querySelector('button'), 'C', { metaKey: true })).toBe(false);
    expect(copied).toHaveLength(2);
  });

  it('copies nothing where there is nothing yet', () => {
    const frame = withTableMenu('Sums', el('table', {}), { file: () => 'sums', numbers: () => null });
    frame.dispatchEvent(new KeyboardEvent('keydown', { key: 'c', ctrlKey: true, bubbles: true }));
    expect(copied).toEqual([]);
  });
});

describe('the numbers of a table', () => {
  it('are those of the tokens it lists, with their own texts', () => {
    const candidate = { id: 5, text: ' the', logit: 1.5, before: 0.25, tempered: 0.3, after: 0, kept: false, actual: true };
    expect(lines(candidateNumbers([candidate, { ...candidate, text: undefined, actual: false }]))).toEqual([
      'id,text,logit,model,at_temperature,drawn_with,follows',
      '5, the,1.5,0.25,0.3,0,1',
      '5,,1.5,0.25,0.3,0,0',
    ]);
    expect(lines(drawnNumbers([{ id: 1, text: 'a', prob: 0.5, tempered: 0.6, final: 1 }]))[1]).toBe('1,a,0.5,0.6,1');
    expect(
      lines(
        returnedNumbers([
          { text: 'a', prob: 0.75 },
          { text: undefined, prob: 0.25 },
        ]),
      ),
    ).toEqual(['text,probability', 'a,0.75', ',0.25']);
    const near = { ids: Int32Array.of(7, 8), cosines: Float32Array.of(0.5, 0.25), pieces: { 7: '\n' } };
    expect(lines(neighbourNumbers(near))).toEqual(['id,text,cosine', `7,"'\n",0.5`, '8,,0.25']);
    expect(lines(changedNumbers([{ id: 1, text: 'a', before: 0.5, after: 0.25 }]))[1]).toBe('1,a,0.5,0.25');
    expect(lines(steeredNumbers([{ id: 1, text: 'a', before: 0.5, steered: 0.25, random: 0.125 }]))[1]).toBe('1,a,0.5,0.25,0.125');
  });

  it('are the sums that it shows, to their last digit', () => {
    const step = { part: 'mlp', layer: 2, value: -0.5, before: 1, after: 0.5 } as const;
    expect(lines(waterfallNumbers([{ ...step, part: 'embedding', layer: -1 }, step]))).toEqual([
      'part,layer,adds,before,after',
      'embedding,,-0.5,1,0.5',
      'mlp,2,-0.5,1,0.5',
    ]);
    const sum = {
      kind: 'sum',
      terms: [{ index: 3, left: 2, right: 0.5, product: 1, place: null }],
      rest: { count: 4, sum: 0.125 },
      bias: 0.25,
      extra: null,
      total: 1.375,
    } as const;
    expect(lines(sumNumbers(sum))).toEqual(['term,left,right,product', '3,2,0.5,1', '4 others,,,0.125', 'bias,,,0.25', 'sum,,,1.375']);
    const flow = { before: 1, between: 2, after: 3, attention: 4, mlp: 5, attentionCosine: 0.5, mlpCosine: 0.25 };
    expect(
      lines(
        flowNumbers(
          [flow],
          [
            { id: 1, piece: 'x', probability: 1 },
            { id: 2, piece: 'y', probability: 0.5 },
          ],
          [{ mixer: {}, mlp: {} }],
        ),
      )[1],
    ).toBe('0,1,4,0.5,5,0.25,3,2,y,0.5');
    expect(lines(flowNumbers([flow], null, [{ mixer: {}, mlp: {} }]))[1]).toBe('0,1,4,0.5,5,0.25,3,,,');
    // No number of a step that the layer does not have.
    expect(
      lines(
        flowNumbers([flow, flow], null, [
          { mixer: null, mlp: {} },
          { mixer: {}, mlp: null },
        ]),
      ).slice(1),
    ).toEqual(['0,1,,,5,0.25,3,,,', '1,1,4,0.5,,,3,,,']);
  });

  it('are those of experiments, with the control', () => {
    const outcome = { target: 2, logprob: -0.5, rivalLogprob: null, rank: 1 };
    expect(lines(outcomeNumbers({ before: outcome, after: { ...outcome, target: 1, rank: 9 }, candidates: [], bits: 0 }))).toEqual([
      'quantity,before,after',
      'logit,2,1',
      'logprob,-0.5,-0.5',
      'rank,1,9',
    ]);
    const run = { heads: [{ layer: 1, head: 2 }], loss: { firstBits: 9, secondBits: 3, counted: 8 } };
    expect(lines(copyNumbers({ before: { ...run, heads: [] }, induction: run, random: [run], scores: [] })).slice(1)).toEqual([
      'none,,9,3',
      'induction,L1 H2,9,3',
      'random-0,L1 H2,9,3',
    ]);
    const curve = { counts: Int32Array.of(0, 2), logprob: Float32Array.of(-1, -3) };
    expect(lines(deletionMeans({ methods: [{ method: 'hidden', curve, mean: -2 }], random: [curve] }, 1))).toEqual([
      'order,mean_logprob,hidden,logprob',
      'hidden,-2,2,-3',
      'random,-2,2,-3',
    ]);
    expect(lines(differenceNumbers([{ quantity: 'lens.kl', compared: 5, largest: null, share: Infinity }]))[1]).toBe('lens.kl,5,,');
  });

  it('are those of every model of a comparison by size', () => {
    const { explanation } = readFixture().shown;
    const { tokens, logprob, rank, text } = explanation;
    const models = [
      { name: 'small', family: 'llama', parameters: 10, tokens, logprob, rank },
      { name: 'large', family: 'llama', parameters: 20, tokens, logprob, rank },
    ];
    const sizes = { with: 0, text, models, notices: [] };
    const comparison = compareSizes(text, models);
    const own = tokens.filter(({ special }) => !special).length;
    expect(lines(sizeNumbers(sizes, comparison, null))[1]).toMatch(new RegExp(`^small,10,${own},[\\d.]+,$`));
    const [span] = comparison.spans.slice(1);
    const [head, first] = JSON.parse(tableWriter(spanNumbers(sizes, span === undefined ? [] : [span]))('json')) as Record<
      string,
      unknown
    >[];
    expect(first).toBeUndefined();
    expect(Object.keys(head ?? {})).toEqual(['start', 'end', 'text', 'bits small', 'bits large']);
    expect(head?.['text']).toBe(text.slice(span?.start, span?.end));
    expect(head?.['bits small']).toBe(head?.['bits large']);
  });
});
