// Mutation tests: makes small wrong changes in a copy of the code, one at a time, and reports those that no test detects:
// `npm run mutate`. Environment variables: MUTANTS, their number (40); MUTATE_SEED, which of them (1); MUTATE_ONLY, part of the path of
// the files to change; MUTATE_BUILT=0 leaves out the tests of the built code; MUTATE_WORKERS limits the processes at a time;
// MUTATE_MINUTES is the time limit of a test run (10). Results are kept in artifacts/mutants.json.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { chooseMutants, mutated } from './lib/mutants.mjs';
import { ARTIFACTS, ROOT } from './lib/paths.mjs';

const COUNT = Number(process.env.MUTANTS ?? 40);
const SEED = Number(process.env.MUTATE_SEED ?? 1);
/** Option for the number of processes at a time, for a machine that is shared. */
const WORKERS = process.env.MUTATE_WORKERS === undefined ? [] : [`--maxWorkers=${process.env.MUTATE_WORKERS}`];
const BUILT_TOO = process.env.MUTATE_BUILT !== '0';
/** Folders whose numbers are the product. */
const ROOMS = ['src/core', 'src/model', 'src/analysis'];
/** Time limit of a test run; a mutant that exceeds it, such as an endless loop, counts as detected. */
const MOST_MS = 60_000 * Number(process.env.MUTATE_MINUTES ?? 10);
/** Tests of a browser, a process or a network, left out because they are slow and none of them is about numbers alone. */
const SLOW = new RegExp(
  [
    '^test/(?:cli|e2e|library|package|soak|bench|worker|golden/native)',
    'Panel\\.test',
    'webview/(?:layout|panel|keys|hostile|theme|opening)',
    '\\.(?:fuzz|soak|bench)\\.ts$',
  ].join('|'),
);

const filesBelow = (folder, pattern) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name));

/** Path of a file -> paths of the files of this repository that it imports. */
const imports = new Map(
  ['src', 'webview', 'test'].flatMap((folder) =>
    filesBelow(folder, /\.ts$/).map((path) => [
      path,
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g)].map(([, to]) => join(dirname(path), to)),
    ]),
  ),
);

/** Number of imports on the shortest path from `from` to `to`; Infinity where there is none. */
function distance(from, to) {
  const seen = new Set([from]);
  let front = [from];
  for (let steps = 0; front.length > 0; steps++) {
    if (front.includes(to)) return steps;
    front = front.flatMap((path) => imports.get(path) ?? []).filter((path) => !seen.has(path) && seen.add(path));
  }
  return Infinity;
}

const tests = [...imports.keys()].filter((path) => path.endsWith('.test.ts') && !SLOW.test(path));

/** Groups of test files in the order in which they are tried: the nearest, then those of one unit and all others that import the file. */
function groupsFor(file) {
  const ranked = tests
    .map((path) => ({ path, steps: distance(path, file) }))
    .filter(({ steps }) => steps < Infinity)
    .toSorted((a, b) => a.steps - b.steps);
  const near = ranked.filter(({ steps }, place) => steps <= (ranked[0]?.steps ?? 0) && place < 5);
  const others = ranked.slice(near.length).map(({ path }) => path);
  const isUnit = (path) => path.startsWith('test/unit/');
  return [near.map(({ path }) => path), others.filter(isUnit), others.filter((path) => !isUnit(path))];
}

/** Tests of the built code. */
const BUILT = ['test/worker', 'test/cli/cli.test.ts', 'test/cli/generate.test.ts', 'test/cli/compare.test.ts'];

/** A copy of everything that the tests read, in which files may be changed; large folders that never change are linked. */
function copyOfTheCode() {
  const copy = mkdtempSync(join(tmpdir(), 'explain-tokens-mutants-'));
  for (const name of ['src', 'webview', 'scripts', 'test', 'l10n', 'samples'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: (path) => !path.includes('node_modules') });
  for (const name of ['node_modules', 'media', 'test/native/node_modules', 'test/vscode/node_modules'])
    symlinkSync(join(ROOT, name), join(copy, name));
  for (const name of readdirSync(ROOT).filter((entry) => /\.(?:json|md|mjs|ts)$/.test(entry))) cpSync(join(ROOT, name), join(copy, name));
  return copy;
}

/** Runs a program in the copy and returns its exit code; null where it exceeded the time limit. */
function outcome(copy, program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: copy, stdio: 'ignore', timeout: MOST_MS, killSignal: 'SIGKILL' });
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('close', (code) => {
      process.off('exit', end);
      resolve(code);
    });
  });
}

/** Runs test files until one fails. Returns 'passed', 'failed' or 'too long'. */
async function run(copy, files) {
  if (files.length === 0) return 'passed';
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const code = await outcome(copy, process.execPath, [
    vitest,
    'run',
    '--project',
    'code',
    '--bail',
    '1',
    '--reporter',
    'dot',
    // A test that is only slow, on a machine with other work, has detected nothing.
    `--testTimeout=${MOST_MS}`,
    `--hookTimeout=${MOST_MS}`,
    ...WORKERS,
    ...files,
  ]);
  return code === null ? 'too long' : code === 0 ? 'passed' : 'failed';
}

/** The stages of tests that look for a change of a file: their test files, and whether the copy must be built first. */
function stagesFor(file) {
  const [near, units, others] = groupsFor(file);
  return [
    { name: 'near', files: near, built: false },
    { name: 'unit', files: units, built: false },
    { name: 'others', files: others, built: false },
    ...(BUILT_TOO ? [{ name: 'built', files: BUILT, built: true }] : []),
  ];
}

async function runStage(copy, { files, built }) {
  if (built && (await outcome(copy, process.execPath, ['esbuild.mjs', '--minify'])) !== 0) return 'failed';
  return run(copy, files);
}

/** Test files of a stage -> whether they pass without a change; tests that fail anyway would count every change as detected. */
const sound = new Map();

/** Runs a stage with a file changed. Returns 'failed' or 'too long' where it detects the change, else 'passed'. */
async function look(copy, file, source, changed, stage) {
  writeFileSync(join(copy, file), changed);
  const found = await runStage(copy, stage);
  writeFileSync(join(copy, file), source);
  const key = stage.files.join(' ');
  if (found === 'passed') sound.set(key, true);
  else if (!sound.has(key)) sound.set(key, (await runStage(copy, stage)) === 'passed');
  if (!sound.get(key)) throw new Error(`These tests fail without a change, too: ${key}`);
  return found;
}

/** Description of a mutant, such as "core/random.ts:18  sign: + -> -". */
function describe({ file, kind, offset, text, replacement }) {
  const line = files.get(file).slice(0, offset).split('\n').length;
  return `${relative('src', file)}:${line}  ${kind}: ${text.trim()} -> ${replacement.trim()}`;
}

const files = new Map(
  ROOMS.flatMap((room) => filesBelow(room, /\.ts$/))
    .filter((path) => path.includes(process.env.MUTATE_ONLY ?? ''))
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);
const copy = copyOfTheCode();
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const mutants = chooseMutants(files, COUNT, SEED);
const seen = new Map();
// All mutants meet the nearest tests first, which detect most of them; the other stages take long.
for (const place of [0, 1, 2, 3]) {
  for (const mutant of mutants.filter((one) => !seen.has(one))) {
    const { file } = mutant;
    const source = files.get(file);
    const stage = stagesFor(file)[place];
    if (stage === undefined) continue;
    const start = performance.now();
    const found = await look(copy, file, source, mutated(source, mutant), stage);
    if (found !== 'passed') seen.set(mutant, found === 'failed' ? stage.name : 'time limit');
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`${found === 'passed' ? 'not seen' : 'caught  '} ${describe(mutant)}  (${stage.name}, ${seconds} s)`);
  }
}

const results = mutants.map((mutant) => ({ ...mutant, place: describe(mutant), seenBy: seen.get(mutant) ?? null }));
console.log(`\n${seen.size} of ${mutants.length} caught (${((100 * seen.size) / mutants.length).toFixed(1)} %). Survived:`);
for (const { place } of results.filter(({ seenBy }) => seenBy === null)) console.log(`  ${place}`);
mkdirSync(ARTIFACTS, { recursive: true });
writeFileSync(join(ARTIFACTS, 'mutants.json'), JSON.stringify({ seed: SEED, caught: seen.size, of: mutants.length, results }, null, 2));
