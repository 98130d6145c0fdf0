// The part of Plotly that plots.ts and plot.ts use; Plotly 3 ships no types.
declare module 'plotly.js/lib/core' {
  export interface PlotlyElement extends HTMLElement {
    on(event: string, listener: (event: unknown) => void): void;
  }
  export interface Plotly {
    register(modules: readonly object[]): void;
    react(root: HTMLElement, data: readonly object[], layout: object, config: object): Promise<PlotlyElement>;
    purge(root: HTMLElement): void;
    toImage(
      figure: HTMLElement | { data: readonly object[]; layout: object; config: object },
      options: { format: 'svg'; width: number; height: number; imageDataOnly: true },
    ): Promise<string>;
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
