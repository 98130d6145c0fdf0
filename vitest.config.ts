import { defineConfig } from 'vitest/config';

/** What comes about in time comes about at once; a busy machine may be late. */
const patience = { poll: { timeout: 180_000 } };
const exclude = ['**/node_modules/**'];
/**
 * Tests that `npm test` leaves to `npm run test:all`: of things that have others there already, in a smaller way, so that a change is
 * judged within 25 minutes on two processors. See docs/decisions/2026-11-30-two-breadths-of-tests.md.
 */
const rest = [
  'test/soak/**',
  'test/cli/{compare,download,engine,generate,gguf,mcp,patch,recipe,report,score,standardInput,steer,stopping,terminal,why}.test.ts',
  'test/worker/{executionProvider,generation,nativeFallback,outOfMemory,repeatedHeads}.test.ts',
  'test/library/lock.test.ts',
  'test/unit/tokenizer/hostile.test.ts',
  'test/webview/{deletion,family,headMeasures,heads,hybrid,keys,outdated,served,steering,walk,whatIf,why}Panel.test.ts',
  'test/webview/{largeText,lens,lensSteps,patching,repeatedHeads,reportInFirefox,vectors}.test.ts',
  'test/e2e/{agents,compare,editing,editors,forwardPass,git,hostile,inert,library,libraryTroubles,longText,models,path,runtime}.test.ts',
  'test/e2e/{engines,strangers,themes,trust,typing}.test.ts',
];
const left = process.env['TEST_FIRST'] === '1' ? rest : [];

export default defineConfig({
  test: {
    // Two projects so that the real VS Code never shares the machine with the rest.
    projects: [
      {
        test: {
          name: 'code',
          isolate: false,
          maxWorkers: '100%',
          include: ['test/**/*.test.ts'],
          exclude: [...exclude, ...left, 'test/e2e/**', 'test/package/**'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // A test that asserted nothing fails: its loop ran over nothing.
          expect: { ...patience, requireAssertions: true },
        },
      },
      // Files share a VS Code: see test/e2e/session.ts. What they wait for and do not see fails them, so not every one asserts.
      {
        test: {
          name: 'product',
          isolate: false,
          include: ['test/e2e/**/*.test.ts', 'test/package/**/*.test.ts'],
          exclude: [...exclude, ...left],
          fileParallelism: false,
          testTimeout: 480_000,
          hookTimeout: 480_000,
          expect: patience,
        },
      },
      // Not part of `npm test`, which reads 2,000 of the files: `npm run fuzz`.
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.fuzz.ts'], testTimeout: 3_600_000 } },
      // Not part of `npm test`, which has a short run of it: `npm run soak`.
      { test: { name: 'soak', include: ['test/soak/**/*.soak.ts'], fileParallelism: false, testTimeout: 3_600_000 } },
      // Not part of `npm test`: `npm run recording` makes README's moving picture.
      {
        test: { name: 'recording', include: ['test/e2e/**/*.recording.ts'], testTimeout: 480_000, hookTimeout: 480_000, expect: patience },
      },
      // Not part of `npm test`: see scripts/bench.mjs.
      {
        test: { name: 'bench', include: ['test/bench/**/*.bench.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 240_000 },
      },
    ],
  },
});
