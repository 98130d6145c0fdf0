import type { BuildOptions } from 'esbuild';

export const bundles: Readonly<
  Record<
    'extension' | 'host' | 'worker' | 'cli' | 'web/extension' | 'web/worker' | 'webview' | 'plots' | 'report' | 'reportLoader',
    BuildOptions
  >
>;
