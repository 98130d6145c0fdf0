import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeRandomGpt2 } from '../bench/randomModel.ts';
import { median, record } from '../bench/report.ts';
import { BUNDLED, ROOT } from '../bench/text.ts';
import { fuzzHeaders } from '../fuzz/headers.ts';
import { soakAgentCalls, startAgentServer } from './agentCalls.ts';
import { soakEngineRequests } from './engineRequests.ts';
import { soakFullDisk, soakLargestFile } from './fullDisk.ts';
import type { Outcomes } from './held.ts';
import { soakHubLies } from './hubLies.ts';
import { soakLongTexts } from './longTexts.ts';
import { seeded, soakCancels, soakClient, soakExplains, soakKills, workerMebibytes } from './soak.ts';
import { soakTwoProcesses } from './twoProcesses.ts';

/** Fraction of the attempts to make; `SOAK_SHARE=0.1 npm run soak` does a tenth of everything. */
const SHARE = Number(process.env['SOAK_SHARE'] ?? 1);
const share = (count: number): number => Math.max(1, Math.round(count * SHARE));
/** Most memory with the bundled model: 600 MB (10^6 bytes). */
const MOST_MIB = 600e6 / 2 ** 20;
/**
 * Most that the memory of a server grows in the second half of the calls: garbage that is not collected yet comes and goes. What is held
 * does not grow: snapshots of both heaps after 420, 700 and 1,000 such calls are as large to within half a percent.
 */
const MOST_GROWN = 0.03;
/** Most that is held more at the end of many requests to an engine than after the first fifth: code that ran late, and no answers. */
const ENGINE_GROWN_MIB = 8;
/** Highest ratio of the time per token of the last explanations to that of the first. */
const MOST_RATIO = 1.3;
const KILLED =
  /^(answered|The model’s process ended unexpectedly \(signal SIGKILL\), as when there is no memory left: run again, [\w ,]+\.)$/;
const COUNT = share(500);
const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-soak-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const RUNTIMES = [{ runtime: 'wasm' as const }, { runtime: 'native' as const, nativeFolder: join(ROOT, 'test/native') }];

test.each(RUNTIMES)('explanations one after another, $runtime', async (options) => {
  const client = soakClient(BUNDLED, options);
  try {
    const found = await soakExplains(client, COUNT, 4000, seeded(1));
    const tenth = Math.max(1, Math.floor(COUNT / 10));
    const perToken = (part: typeof found): number => median(part.map(({ ms, tokens }) => ms / tokens));
    const last = found.slice(-tenth);
    const [first, end] = [perToken(found.slice(0, tenth)), perToken(last)];
    const tooLarge = found.filter(({ mebibytes }) => mebibytes >= MOST_MIB).length;
    const isSlower = end / first >= MOST_RATIO;
    record('soak: explanations', {
      runtime: options.runtime,
      count: COUNT,
      'did not hold': tooLarge + (isSlower ? 1 : 0),
      'first tenth ms/token': first,
      'last tenth ms/token': end,
      'last to first, percent': (100 * end) / first,
      'MiB after a tenth': found[tenth - 1]?.mebibytes ?? 0,
      'MiB at the end': median(last.map(({ mebibytes }) => mebibytes)),
      'peak MiB': workerMebibytes('VmHWM'),
    });
    expect(found).toHaveLength(COUNT);
    expect({ tooLarge, isSlower }).toEqual({ tooLarge: 0, isSlower: false });
  } finally {
    client.dispose();
  }
});

test('calls of two agents at once', async () => {
  const count = share(1000);
  const servers = await Promise.all([startAgentServer(), startAgentServer()]);
  try {
    const found = await Promise.all(servers.map((server, index) => soakAgentCalls(server, count, seeded(20 + index))));
    const tenth = Math.max(1, Math.floor(count / 10));
    // By then every tool was asked about every text: WebAssembly keeps the most memory that it has had, and words are known.
    const settled = found.map(({ mebibytes }) => median(mebibytes.slice(4 * tenth, 5 * tenth)));
    const end = found.map(({ mebibytes }) => median(mebibytes.slice(-tenth)));
    const grown = end.map((last, index) => last / (settled[index] ?? NaN) - 1);
    const notHeld = found.flatMap((one) => one.notHeld);
    record('soak: agents', {
      count: 2 * count,
      'did not hold': notHeld.length,
      'MiB before half': Math.max(...settled),
      'MiB at the end': Math.max(...end),
      'grown, percent': 100 * Math.max(...grown),
      'peak MiB': Math.max(...found.flatMap(({ mebibytes }) => mebibytes)),
    });
    expect(notHeld).toEqual([]);
    expect(Math.max(...grown)).toBeLessThan(MOST_GROWN);
  } finally {
    await Promise.all(servers.map(({ client }) => client.close()));
  }
});

test.each(
  RUNTIMES.flatMap((options) => [
    { ...options, model: 'bundled' },
    { ...options, model: 'GPT-2 124M shape' },
  ]),
)('cancels, $model, $runtime', async ({ model, ...options }) => {
  const folder = model === 'bundled' ? BUNDLED : join(scratch, 'gpt2');
  if (model !== 'bundled') writeRandomGpt2(folder, BUNDLED);
  const client = soakClient(folder, options);
  try {
    const waits = await soakCancels(client, share(50), 4000, seeded(2));
    const sorted = waits.toSorted((a, b) => a - b);
    record('soak: cancels', {
      model,
      runtime: options.runtime,
      count: waits.length,
      'did not hold': 0,
      'next answer ms, median': median(waits),
      'nine tenths ms': sorted[Math.floor(sorted.length * 0.9)] ?? 0,
      'longest ms': sorted.at(-1) ?? 0,
    });
  } finally {
    client.dispose();
  }
});

test.each(RUNTIMES)('kills, $runtime', async (options) => {
  const client = soakClient(BUNDLED, options);
  try {
    const said = await soakKills(client, share(18), 4000, seeded(3));
    record('soak: kills', {
      runtime: options.runtime,
      count: said.length,
      'did not hold': said.filter((sentence) => !KILLED.test(sentence)).length,
      'ended runs': said.filter((sentence) => sentence !== 'answered').length,
      said: said.find((sentence) => sentence !== 'answered') ?? '',
    });
    for (const sentence of said) expect(sentence).toMatch(KILLED);
  } finally {
    client.dispose();
  }
});

function recordOutcomes(
  table: string,
  { count, whole, refused, slowestMs, notHeld }: Outcomes,
  more: Readonly<Record<string, string | number>> = {},
): void {
  record(`soak: ${table}`, { ...more, count, 'did not hold': notHeld.length, whole, refused, 'slowest ms': slowestMs });
  expect(notHeld).toEqual([]);
}

test('fuzzed files', async () => {
  const { files, opened, refused, slowestMs, mostBytes } = await fuzzHeaders(share(20_000), 20_261_128);
  // `fuzzHeaders` throws at the first file that does not hold.
  record('soak: fuzzed files', {
    count: files,
    'did not hold': files - opened - refused,
    opened,
    refused,
    'slowest ms': slowestMs,
    'most MiB': mostBytes / 2 ** 20,
  });
});

test('a hub that lies', async () => recordOutcomes('hub lies', await soakHubLies(share(500), seeded(4))));

test('two processes', async () => recordOutcomes('two processes', await soakTwoProcesses(share(60), seeded(5))));

test('a full disk', async () => {
  const filled = await soakFullDisk(share(200), seeded(6));
  if (filled) recordOutcomes('full disk', filled, { by: 'a tmpfs that fills up' });
  recordOutcomes('full disk', await soakLargestFile(share(50), seeded(7)), { by: 'ulimit -f' });
});

test('requests to an engine', async () => {
  const count = share(1000);
  const { requests, heldFirst, heldLast } = await soakEngineRequests(count, seeded(10));
  const grown = heldLast - heldFirst;
  record('soak: an engine', {
    count: requests,
    'did not hold': grown < ENGINE_GROWN_MIB ? 0 : 1,
    'MiB held after a fifth': heldFirst,
    'MiB held at the end': heldLast,
    'grown, MiB': grown,
  });
  expect(requests).toBeGreaterThanOrEqual(count);
  expect(grown).toBeLessThan(ENGINE_GROWN_MIB);
});

test('long texts in a context that is claimed', async () => {
  const found = await soakLongTexts(share(40), 50e6, seeded(8));
  recordOutcomes('long texts', found, {
    'most tokens': found.mostTokens,
    'longest text, MB': found.mostUnits / 1e6,
    'most MiB': found.mostMebibytes,
  });
});
