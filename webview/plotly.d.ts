// The part of Plotly that plot.ts uses; Plotly 3 ships no types.
declare module 'plotly.js/lib/core' {
  interface PlotlyElement extends HTMLElement {
    on(event: string, listener: (event: unknown) => void): void;
  }
  interface Plotly {
    register(modules: readonly object[]): void;
    react(root: HTMLElement, data: readonly object[], layout: object, config: object): Promise<PlotlyElement>;
    purge(root: HTMLElement): void;
    downloadImage(root: HTMLElement, options: { format: 'svg'; filename: string; width: number; height: number }): Promise<string>;
  }
  const plotly: Plotly;
  export default plotly;
}
declare module 'plotly.js/lib/heatmap' {
  const trace: object;
  export default trace;
}
declare module 'plotly.js/lib/bar' {
  const trace: object;
  export default trace;
}
declare module '*.css';
