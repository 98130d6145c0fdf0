import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** The check of ./faults.ts as a script for a page, whatever the page's policy: `window.layout.layoutFaults()`. */
export async function checker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('faults.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'layout',
    target: 'es2022',
  });
  return `${outputFiles[0]?.text ?? ''}; window.layout = layout; null`;
}

declare global {
  interface Window {
    layout: { readonly layoutFaults: (root?: Element) => readonly string[] };
  }
}
