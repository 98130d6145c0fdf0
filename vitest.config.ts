import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two projects so that the real VS Code never shares the machine with the rest.
    projects: [
      { extends: true, test: { name: 'code', exclude: ['**/node_modules/**', 'test/e2e/**', 'test/package/**'] } },
      { extends: true, test: { name: 'product', include: ['test/e2e/**/*.test.ts', 'test/package/**/*.test.ts'], fileParallelism: false, testTimeout: 240_000, hookTimeout: 240_000 } },
    ],
  },
});
