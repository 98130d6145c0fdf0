import type { Plotly } from 'plotly.js/lib/core';

declare global {
  /** Plotly, once the script plots.ts has run. Only a var is a property of the global object. */
  var plots: Plotly | undefined;
}

/** The page's own script while it starts: where it is from, and by what the page's policy knows it. */
const own = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
let loading: Promise<Plotly> | undefined;

/** Plotly where it is there already. */
export function loadedPlots(): Plotly | undefined {
  return globalThis.plots;
}

/** Plotly, from the script beside the page's own. Loaded once; tried again after a failure. */
export function loadPlots(): Promise<Plotly> {
  loading ??= new Promise<Plotly>((resolve, reject) => {
    const fail = (): void => {
      loading = undefined;
      reject(new Error('The script that draws figures did not load.'));
    };
    // A saved report has it in the page.
    if (globalThis.plots !== undefined) return resolve(globalThis.plots);
    if (own === null) return fail();
    const script = document.createElement('script');
    script.src = own.src.replace(/webview\.js(?=$|\?)/, 'plots.js');
    script.nonce = own.nonce;
    script.addEventListener('load', () => (globalThis.plots === undefined ? fail() : resolve(globalThis.plots)));
    script.addEventListener('error', fail);
    document.head.append(script);
  });
  return loading;
}
