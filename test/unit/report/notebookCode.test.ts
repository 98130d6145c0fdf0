import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AttentionMap } from '../../../src/core/trace.ts';
import type { Query } from '../../../src/protocol/queries.ts';
import { notebookCode } from '../../../src/report/notebookCode.ts';
import { REPORT_VERSION } from '../../../src/report/report.ts';
import { readReport, writeReport } from '../../../src/report/reportFile.ts';
import { readFixture } from '../../webview/readFixture.ts';
import { BARE_PAGE, keptOf, reportWith } from './savedReport.ts';

/** A report and the program copied of it; test/reference/report_notebook.py runs the program and writes what it reads. */
const FOLDER = 'test/fixtures/report';
/** Of the version that is written now. */
const NAME = 'small.tokens.html';
const HEADS = [0, 1].map((head): Query => ({ name: 'attention', args: { layer: 0, head } }));

interface Exact {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly hex: string;
}
interface Results extends Readonly<Record<'logprob' | 'rank' | 'entropy' | 'top_ids' | 'top_probs', Exact>> {
  readonly attention: Readonly<Record<string, Exact>>;
  readonly text: string;
  readonly notes: readonly object[];
}

const exact = (values: Float32Array | Int32Array, shape: readonly number[]): Exact => ({
  shape,
  dtype: values instanceof Int32Array ? '<i4' : '<f4',
  hex: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex'),
});

test.each([
  ['first.tokens.html', 'first.py', 1],
  [NAME, 'notebook.py', REPORT_VERSION],
] as const)('the code that is copied for a notebook reads every number of %s to its last bit', async (file, program, version) => {
  if (process.env['FIXTURE'] === 'write') {
    const { shown, answer } = readFixture();
    const note = { text: 'why so sure? </script>', token: 3, head: { layer: 0, head: 1 }, key: 0 };
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, NAME), await writeReport(reportWith(shown, keptOf(answer, HEADS), [note]), BARE_PAGE));
    writeFileSync(join(FOLDER, 'notebook.py'), notebookCode(NAME, REPORT_VERSION));
  }
  expect(notebookCode(file, version)).toBe(readFileSync(join(FOLDER, program), 'utf8'));
  const { head, shown, answers } = await readReport(readFileSync(join(FOLDER, file), 'utf8'), file);
  expect(head.version).toBe(version);
  const read = JSON.parse(readFileSync(join(FOLDER, 'results.json'), 'utf8')) as Results;
  const { logprob, rank, entropy, topIds, topProbs, topK, tokens } = shown.explanation;
  const count = tokens.length;
  expect(read).toEqual({
    logprob: exact(logprob, [count]),
    rank: exact(rank, [count]),
    entropy: exact(entropy, [count]),
    top_ids: exact(topIds, [count, topK]),
    top_probs: exact(topProbs, [count, topK]),
    attention: Object.fromEntries(
      answers.flatMap((kept) => {
        if (!('result' in kept) || kept.query.name !== 'attention') return [];
        const { layer, head: number, weights } = kept.result as AttentionMap;
        return [[`${layer}.${number}`, exact(weights, [count, count])]];
      }),
    ),
    text: head.text,
    notes: head.notes,
  });
});
