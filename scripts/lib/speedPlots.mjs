// README's two pictures of the figures beside transformers: white, so that they are read on any page.
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { ensureBrowser } from './browser.mjs';
import { PLOTS, SPEED } from './speedSection.mjs';

/** Told apart by colour (Okabe and Ito's, safe for the colour-blind), marker and dash. */
const SIDES = [
  { key: 'transformers', name: 'transformers', color: '#595959', symbol: 'circle', dash: 'dot' },
  { key: 'WASM', name: 'Explain Tokens, WASM', color: '#d55e00', symbol: 'diamond', dash: 'dash' },
  { key: 'native', name: 'Explain Tokens, native', color: '#0072b2', symbol: 'square', dash: 'solid' },
];
/** About what a README gives a picture; drawn twice as fine. */
const WIDTH = 880;
const FONT = { family: 'DejaVu Sans, Arial, sans-serif', size: 13, color: '#1a1a1a' };
const AXIS = { type: 'log', gridcolor: '#e3e3e3', linecolor: '#8c8c8c', showline: true, ticks: 'outside', zeroline: false };
const LEGEND = { orientation: 'h', x: 0.5, xanchor: 'center', y: 1, yref: 'container', yanchor: 'top' };
const TOKENS = { tickvals: [16, 64, 256, 1024, 4096], ticktext: ['16', '64', '256', '1,024', '4,096'] };
const MS = { tickvals: [10, 100, 1000, 10_000, 100_000], ticktext: ['10 ms', '100 ms', '1 s', '10 s', '100 s'] };
const GIB = { tickvals: [0.125, 0.25, 0.5, 1, 2, 4, 8, 16], ticktext: ['⅛', '¼', '½', '1', '2', '4', '8', '16'] };

/** Each picture's file, and Plotly's traces and layout. */
export function speedPlots({ tables }) {
  return [
    { file: PLOTS[0][0], height: 560, ...byTokens(tables[SPEED.shown], tables[SPEED.memory]) },
    { file: PLOTS[1][0], height: 340, ...byParameters(tables[SPEED.shown]) },
  ];
}

/** A column for each model that was given texts of several lengths; time above, memory below. */
function byTokens(shown, memory) {
  const models = [...new Set(shown.map(({ model }) => model))].filter((name) => shown.filter(({ model }) => model === name).length > 1);
  const axes = {};
  const traces = models.flatMap((model, column) =>
    [shown, memory.map(inGibibytes)].flatMap((table, row) => {
      const number = row * models.length + column + 1;
      const suffix = number === 1 ? '' : String(number);
      const first = column === 0;
      // A row has one scale, written at its left; a column's tokens stand below it.
      const scale = row === 0 ? { ...MS, ...titled(first ? 'time' : '') } : { ...GIB, ...titled(first ? 'peak memory, GiB' : '') };
      const shared = first ? {} : { matches: row === 0 ? 'y' : `y${models.length + 1}` };
      axes[`xaxis${suffix}`] = { ...AXIS, ...TOKENS, ...titled(row === 1 ? 'tokens' : ''), showticklabels: row === 1 };
      axes[`yaxis${suffix}`] = { ...AXIS, ...scale, ...shared, showticklabels: first };
      const rows = table.filter((each) => each.model === model);
      return SIDES.map((side) => ({
        ...lines(side, rows, ({ tokens }) => tokens),
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        showlegend: number === 1,
      }));
    }),
  );
  const annotations = models.map((model, column) => ({
    text: `<b>${model}</b>`,
    xref: `x${column === 0 ? '' : column + 1} domain`,
    x: 0.5,
    yref: 'paper',
    y: 1.01,
    yanchor: 'bottom',
    showarrow: false,
  }));
  const grid = { rows: 2, columns: models.length, pattern: 'independent', xgap: 0.06, ygap: 0.08 };
  return { traces, layout: { ...axes, annotations, grid, margin: { l: 76, r: 14, t: 66, b: 52 } } };
}

/** The same text's time over the models' sizes. */
function byParameters(shown) {
  const rows = shown.filter(({ tokens }) => tokens === 256).toSorted((a, b) => a.parameters - b.parameters);
  const annotations = rows.map((row, i) => {
    // Lines rise to the right: there is room above to the left of a point, and below to the right of it.
    const left = i > 0 && (rows[i + 1]?.parameters ?? 0) < 1.5 * row.parameters;
    const times = SIDES.map(({ key }) => row[key]).filter((time) => time !== null);
    const [y, yshift, xanchor] = left ? [Math.max(...times), 16, 'right'] : [Math.min(...times), -16, 'left'];
    return { text: row.model.replace(' shape', ''), x: Math.log10(row.parameters), y: Math.log10(y), yshift, xanchor, showarrow: false };
  });
  return {
    traces: SIDES.map((side) => lines(side, rows, ({ parameters }) => parameters)),
    layout: {
      annotations,
      xaxis: { ...AXIS, ...titled('parameters'), tickvals: [1e7, 3e7, 1e8, 3e8, 1e9], ticktext: ['10M', '30M', '100M', '300M', '1B'] },
      yaxis: { ...AXIS, ...MS, ...titled('time for 256 tokens') },
      margin: { l: 76, r: 20, t: 40, b: 52 },
    },
  };
}

function lines({ key, name, color, symbol, dash }, rows, place) {
  const found = rows.filter((row) => row[key] !== null);
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name,
    legendgroup: key,
    x: found.map(place),
    y: found.map((row) => row[key]),
    line: { color, dash, width: 2.5 },
    marker: { color, symbol, size: 8 },
  };
}

const titled = (text) => ({ title: { text, standoff: 8, font: FONT } });

function inGibibytes(row) {
  const values = SIDES.map(({ key }) => [key, row[key] === null ? null : row[key] / 1024]);
  return { ...row, ...Object.fromEntries(values) };
}

/** Draws each into `save(file)`. */
export async function drawSpeedPlots(report, save, say = console.log) {
  const browser = await chromium.launch({ executablePath: ensureBrowser(say), args: ['--no-sandbox'] });
  try {
    for (const { file, height, traces, layout } of speedPlots(report)) {
      const page = await browser.newPage({ viewport: { width: WIDTH, height }, deviceScaleFactor: 2 });
      await page.setContent('<body style="margin: 0"><div id="plot"></div>');
      await page.addScriptTag({ path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly-cartesian.min.js') });
      const whole = { ...layout, width: WIDTH, height, font: FONT, legend: LEGEND, paper_bgcolor: 'white', plot_bgcolor: 'white' };
      await page.evaluate(([data, how]) => globalThis.Plotly.newPlot('plot', data, how, { staticPlot: true }), [traces, whole]);
      await page.screenshot({ path: save(file) });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
