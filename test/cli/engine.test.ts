import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readReport } from '../../src/report/reportFile.ts';
import { startEngine, type EngineServer } from '../engines/engineServer.ts';
import { FAMILY_TEXT, LETTERS_TOKENIZER } from '../webview/family.ts';
import { SERVED_NAME } from '../engines/protocolAnswers.ts';
import { openRoutedModel, ROUTED_TEXT } from '../engines/routedModel.ts';
import { openServedModel, type ServedModel } from '../engines/servedModel.ts';
import { runCommand, type Ran } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const BUNDLED = join(root, 'media/models/explain-tokens-9m');
let work = '';
let served: ServedModel;
let vllm: EngineServer;
let llama: EngineServer;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-engine-'));
  writeFileSync(join(work, 'a.txt'), 'The quick brown fox.\nIt jumps.\n');
  writeFileSync(join(work, 'b.txt'), '今天天气 is fine.\n');
  served = await openServedModel();
  vllm = await startEngine('vllm', served);
  llama = await startEngine('llama.cpp', served);
});
afterAll(async () => {
  await Promise.all([vllm?.close(), llama?.close()]);
  await served?.model.dispose();
  rmSync(work, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<Ran> => runCommand(args, { cwd: work });

interface Scores {
  readonly model: object;
  readonly window: number;
  readonly files: readonly {
    readonly file: string;
    readonly bits: number;
    readonly scores: readonly { readonly logprob: number | null }[];
  }[];
}

it('score by an engine writes the numbers of the model here, the files in order, and says where texts go', async () => {
  const [local, remote] = await Promise.all([
    run('score', 'a.txt', 'b.txt', '--by', 'token', '--format', 'json'),
    run('score', 'a.txt', 'b.txt', '--by', 'token', '--format', 'json', '--engine', vllm.address),
  ]);
  expect([remote.code, remote.err]).toEqual([
    0,
    `explain-tokens: The text is sent to ${vllm.address} (vllm 0.0.0-test, model ${SERVED_NAME}).\n`,
  ]);
  const [here, there] = [local, remote].map(({ out }) => JSON.parse(out) as Scores);
  expect(there?.model).toEqual({ name: SERVED_NAME, engine: 'vllm', version: '0.0.0-test', address: vllm.address });
  expect(there?.files.map(({ file, scores }) => [file, scores.length])).toEqual(
    here?.files.map(({ file, scores }) => [file, scores.length]),
  );
  for (const [index, { scores }] of (here?.files ?? []).entries())
    for (const [i, { logprob, ...place }] of scores.entries()) {
      const { logprob: other = null, ...otherPlace } = there?.files[index]?.scores[i] ?? {};
      expect(otherPlace).toEqual(place);
      expect(Math.abs((other ?? 0) - (logprob ?? 0))).toBeLessThan(1e-4);
    }
});

it('an engine that fails midway leaves what had arrived, and the exit code 1', async () => {
  vllm.busy = 0;
  vllm.fault = '401';
  const { code, out, err } = await run('score', 'a.txt', 'b.txt', '--format', 'csv', '--engine', vllm.address, '--parallel', '1');
  vllm.fault = null;
  expect([code, out]).toEqual([1, 'file,bytes,bits,bitsPerByte,tokens,scored\n']);
  expect(err).toContain('a.txt: 127.0.0.1');
  expect(err).toContain('wants a key (401)');
  expect(err).not.toContain('b.txt:');
});

it('an engine that takes a request a token says how many before it is asked', async () => {
  const tokens = served.encode('The quick brown fox.\nIt jumps.\n').length - 1;
  const refused = await run('score', 'a.txt', '--engine', llama.address);
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringContaining(`each token takes a request of its own, ${tokens} for this text`),
  ]);
  const { code, out } = await run('score', 'a.txt', '--engine', llama.address, '--requests', String(tokens), '--format', 'csv');
  expect([code, out.split('\n')[1]]).toEqual([0, expect.stringMatching(/^a\.txt,31,\d/)]);
});

it('generate by an engine writes its tokens with their alternatives', async () => {
  const { code, out } = await run('generate', '--text', 'Once upon a', '--greedy', '--tokens', '2', '--top', '3', '--engine', vllm.address);
  const { steps, text } = JSON.parse(out) as {
    readonly steps: readonly { readonly text: string; readonly top: object[] }[];
    readonly text: string;
  };
  expect([code, steps.length, steps.map((step) => step.text).join('')]).toEqual([0, 2, text]);
  expect(steps[0]?.top.length).toBe(3);
});

it('report by an engine keeps what it returned and not where, and verify has an engine read it again', async () => {
  const made = await run('report', '--file', 'a.txt', '--output', 'a.tokens.html', '--engine', vllm.address);
  expect([made.code, made.err.split('\n')]).toEqual([
    0,
    [
      expect.stringContaining('explain-tokens: The text is sent to'),
      expect.stringMatching(/^explain-tokens: \d+ tokens as .* returned them: [\d.]+ kB\.$/),
      '',
    ],
  ]);
  const file = readFileSync(join(work, 'a.tokens.html'), 'utf8');
  expect(file).not.toContain(vllm.address);
  const { head, shown, answers } = await readReport(file, 'a');
  expect([head.model.name, head.model.family, head.text, answers]).toEqual([SERVED_NAME, 'vllm', 'The quick brown fox.\nIt jumps.\n', []]);
  expect([...shown.explanation.run.ids]).toEqual([...served.encode(head.text)]);
  const [again, here, local] = [
    await run('verify', 'a.tokens.html', '--engine', vllm.address),
    await run('verify', 'a.tokens.html'),
    await run('report', '--text', 'a', '--include', 'tokens', '--output', 'here.tokens.html'),
  ];
  expect([again.code, again.err]).toEqual([0, expect.stringContaining('a.tokens.html: every number is the kept one to its last bit.')]);
  expect([here.code, here.err]).toEqual([
    1,
    `explain-tokens: a.tokens.html was read by ${SERVED_NAME}, served by vllm: --engine URL reads it again.\n`,
  ]);
  expect(local.code, local.err).toBe(0);
  expect((await run('verify', 'here.tokens.html', '--engine', vllm.address)).err).toContain('verify it without --engine');
});

it('a report keeps the experts that an engine tells, and verify compares them', async () => {
  const routed = await openRoutedModel();
  const server = await startEngine('vllm', routed);
  try {
    const made = await run('report', '--text', ROUTED_TEXT, '--output', 'routed.tokens.html', '--engine', server.address);
    expect(made.code, made.err).toBe(0);
    const { answers, head } = await readReport(readFileSync(join(work, 'routed.tokens.html'), 'utf8'), 'routed');
    const { experts = [] } = await routed.model.run(runOf(Int32Array.from(head.ids), UNCHANGED));
    expect(answers).toEqual(
      [1, 2].map((layer) => ({
        query: { name: 'experts', args: { layer } },
        result: { layer, count: 8, chosen: 2, ids: experts[layer]?.ids, weights: null },
      })),
    );
    const again = await run('verify', 'routed.tokens.html', '--engine', server.address);
    expect([again.code, again.err]).toEqual([0, expect.stringContaining('every number is the kept one to its last bit.')]);
  } finally {
    await server.close();
    await routed.model.dispose();
  }
});

it.each([
  [['report', '--text', 'a', '--engine', 'http://localhost:1', '--recipe', 'r.json'], '--recipe does not go with --engine'],
  [['score', 'a.txt', '--engine', 'ftp://x'], '--engine: ftp://x is not the address of an engine'],
  [['score', 'a.txt', '--parallel', '2'], '--parallel goes with --engine.'],
  [['score', 'a.txt', '--engine', 'http://localhost:1', '--runtime', 'wasm'], '--runtime does not go with --engine'],
  [['sizes', '--text', 'a', '--models', 'one'], '--models takes two models or more'],
])('%j is refused', async (args, sentence) => {
  const { code, err } = await run(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
});

/** The bundled model without its upper layers: smaller, and worse. */
function shallow(layers: number): string {
  const folder = join(work, `layers-${layers}`);
  mkdirSync(folder);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(BUNDLED, file), join(folder, file));
  const weights = readFileSync(join(BUNDLED, 'model.safetensors'));
  const start = 8 + Number(weights.readBigUInt64LE());
  const header = JSON.parse(weights.toString('utf8', 8, start)) as Record<string, { readonly data_offsets: readonly [number, number] }>;
  const data: Buffer[] = [];
  let bytes = 0;
  const kept = Object.entries(header).filter(
    ([name]) => name !== '__metadata__' && Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? 0) < layers,
  );
  const tensors = kept.map(([name, { data_offsets: at, ...rest }]) => {
    const own = weights.subarray(start + at[0], start + at[1]);
    data.push(own);
    bytes += own.length;
    return [name, { ...rest, data_offsets: [bytes - own.length, bytes] }] as const;
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([length, json, ...data]));
  const config = JSON.parse(readFileSync(join(BUNDLED, 'config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: layers }));
  return folder;
}

it('sizes puts models in the order of their parameters, whatever their tokens are, and fits four', async () => {
  const letters = join(work, 'letters');
  mkdirSync(letters);
  for (const file of ['config.json', 'model.safetensors'])
    copyFileSync(join(root, 'test/fixtures/models/families/mistral.1', file), join(letters, file));
  writeFileSync(join(letters, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
  const models = [BUNDLED, shallow(4), letters, shallow(2)].join();
  const { code, out, err } = await run('sizes', '--text', FAMILY_TEXT, '--models', models, '--format', 'json');
  expect([code, err]).toEqual([0, '']);
  const found = JSON.parse(out) as {
    readonly bytes: number;
    readonly models: readonly { readonly name: string; readonly bits: number; readonly tokens: number; readonly residual: number }[];
    readonly fit: { readonly factor: number; readonly exponent: number };
    readonly spans: readonly { readonly text: string; readonly bits: readonly (number | null)[]; readonly tokens: readonly number[] }[];
  };
  expect(found.models.map(({ name }) => name)).toEqual(['letters', 'layers-2', 'layers-4', 'explain-tokens-9m']);
  expect(found.spans.map(({ text }) => text).join('')).toBe(FAMILY_TEXT);
  expect(found.models.map(({ tokens }) => tokens)).toEqual(
    [0, 1, 2, 3].map((model) => found.spans.reduce((sum, { tokens }) => sum + (tokens[model] ?? 0), 0)),
  );
  // Nothing precedes the first letter there: that span counts for none.
  const common = found.spans.filter(({ bits }) => bits.every((each) => each !== null));
  expect(common).toEqual(found.spans.slice(1));
  const ids = served.tokenizer.encode(FAMILY_TEXT).ids;
  const after = await served.after([...ids]);
  const skipped = found.spans[0]?.tokens[3] ?? 0;
  const bits = [...ids].reduce((sum, id, i) => (i <= skipped ? sum : sum - (after[i - 1]?.logprob(id) ?? Number.NaN) / Math.LN2), 0);
  expect(Math.abs((found.models[3]?.bits ?? Number.NaN) - bits)).toBeLessThan(1e-2);
  expect(found.fit.exponent).toBeLessThan(0);
  expect(Math.abs(found.models.reduce((sum, { residual }) => sum + residual, 0))).toBeLessThan(1e-9);
  const table = await run('sizes', '--text', FAMILY_TEXT, '--models', [BUNDLED, join(work, 'layers-2')].join());
  expect([table.code, table.out]).toEqual([0, expect.stringMatching(/^\d+ bytes that every model predicted\n/)]);
  expect(table.out).not.toContain('parameters ^');
});
