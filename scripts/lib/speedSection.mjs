// The figures beside transformers, as they stand between two markers in README.md.

/** Names of the tables that test/bench/compare.bench.ts records. */
export const SPEED = {
  shown: 'beside transformers: all that is shown first, ms',
  memory: 'beside transformers: peak memory so far, MiB',
  forward: 'beside transformers: forward pass alone, ms',
  generation: 'beside transformers: generation, tokens/s',
  rate: 'native forward pass and matrix products, GFLOP/s',
  opening: 'opened natively until a token is explained, beside reading the file, ms',
};

const MARKERS = ['<!-- speed -->', '<!-- /speed -->'];
/** A text that did not fit into memory, or that a side was not given. */
const NOTHING = '–';

/** Whether a report holds figures of both sides. */
export function compares({ tables }) {
  return tables[SPEED.shown]?.some(({ transformers }) => transformers !== null) === true;
}

/**
 * The figures of `found` and, of models that it lacks, those of `kept`, the smallest model first; `found` alone where `kept` was measured
 * on another machine or beside other versions, as such figures cannot stand in one table.
 */
export function withKept(found, kept) {
  const conditions = ({ machine, tables }) => {
    const { threads, torch, transformers } = tables[SPEED.rate]?.[0] ?? {};
    return JSON.stringify([machine.cpu, machine.cores, machine.node, threads, torch, transformers]);
  };
  if (kept === null || conditions(kept) !== conditions(found)) return found;
  const models = new Set(found.tables[SPEED.shown].map(({ model }) => model));
  const table = (name) => {
    const others = (kept.tables[name] ?? []).filter(({ model }) => !models.has(model));
    return [...others, ...(found.tables[name] ?? [])].toSorted((a, b) => a.parameters - b.parameters || a.tokens - b.tokens);
  };
  return { machine: found.machine, tables: Object.fromEntries(Object.values(SPEED).map((name) => [name, table(name)])) };
}

/** The pictures of `speedPlots.mjs`, and what they show. */
export const PLOTS = [
  ['speed-by-tokens.png', 'Time for all that is shown first, and peak memory, against the number of tokens, for three models'],
  ['speed-by-parameters.png', 'Time for 256 tokens against the number of parameters'],
];

/** What was measured, and how. */
const MEASURED = [
  "Everything the panel shows first (tokens, predictions, thumbnails and metrics of all heads) and one head's map, beside " +
    'transformers on the same weights with as many threads, in float32: eager attention, with all attentions, all hidden ' +
    'states and the ten likeliest next tokens of every position.',
  'Medians of turns, ours and theirs one after the other; "x" is our share of their time, or how many times their tokens ' +
    'a second. A shape is a model of random weights. A dash: more memory than there was, or minutes of WebAssembly, which was ' +
    'not given 4,096 tokens. Memory is the peak of the process ' +
    'up to that length, its weights included. "Of the rate" is the native forward pass as a share of the rate that ' +
    '`torch.matmul` has in float32 between its turns, which it can be above.',
];
/** What grows how. */
const GROWTH =
  'The weights cost the same for every token, but attention sets each token against all before it, so that its part grows ' +
  'with the square of the text: four times the tokens, sixteen times the cells. transformers keeps those cells of all ' +
  'heads of all layers, here those of a layer are gone when it has been read.';

/** A section with its heading: two tables with what they were measured on, and two pictures. */
export function speedSection({ machine, tables }) {
  const { torch, transformers, threads } = tables[SPEED.rate][0];
  const memory = (row) => tables[SPEED.memory].find(({ model, tokens }) => model === row.model && tokens === row.tokens) ?? {};
  const generation = (row) => tables[SPEED.generation].find(({ model }) => model === row.model) ?? {};
  const rate = (row) => tables[SPEED.rate].find(({ model }) => model === row.model) ?? {};
  return [
    '### How fast',
    '',
    ...MEASURED,
    '',
    `${machine.cpu}, ${threads} threads; torch ${torch}, transformers ${transformers}, Node ${machine.node.replace('v', '')}.`,
    '',
    '| model | tokens | transformers | native | | WASM | | memory: transformers | native | WASM |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...tables[SPEED.shown].map((row) => {
      const { transformers: theirs, native, WASM } = memory(row);
      return line(
        [row.model, count(row.tokens), time(row.transformers), time(row.native), times(row['native ratio'])],
        [time(row.WASM), times(row['WASM ratio']), size(theirs), size(native), size(WASM)],
      );
    }),
    '',
    '| model | parameters | forward pass of 256 tokens: transformers | native | | of the rate | tokens/s: transformers | native | | WASM |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...tables[SPEED.forward].map((row) => {
      const { transformers: theirs, native, WASM, 'native ratio': faster } = generation(row);
      const share = known(rate(row).share, (value) => `${Math.round(100 * value)} %`);
      return line(
        [row.model, millions(row.parameters), time(row.transformers), time(row.native), times(row['native ratio']), share],
        [speed(theirs), speed(native), times(faster), speed(WASM)],
      );
    }),
    '',
    ...openings(tables[SPEED.opening] ?? []),
    ...PLOTS.map(([file, what]) => `![${what}: transformers, WebAssembly and native](media/plots/${file})\n`),
    GROWTH,
  ].join('\n');
}

/** A table of how long models take to open; nothing where none was measured. */
function openings(rows) {
  if (rows.length === 0) return [];
  return [
    'Opening a model: from the start of its process until one token is explained, beside reading the file of its weights, both from ' +
      "the system's cache.",
    '',
    '| model | file | reading it | opened natively | |',
    '|---|--:|--:|--:|--:|',
    ...rows.map((row) => line([row.model, size(row.MiB), time(row.reading), time(row.native), times(row.ratio)])),
    '',
  ];
}

/** `page` with the section between its markers. Throws where they are missing. */
export function withSpeed(page, section) {
  const [start, end] = MARKERS.map((marker) => page.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`README.md lacks ${MARKERS.join(' and ')}.`);
  return `${page.slice(0, start + MARKERS[0].length)}\n${section}\n${page.slice(end)}`;
}

const line = (...cells) => `| ${cells.flat().join(' | ')} |`;
const known = (value, shown) => (typeof value === 'number' ? shown(value) : NOTHING);
const count = (value) => value.toLocaleString('en');
const time = (ms) => known(ms, (value) => (value < 1000 ? `${digits(value, 2)} ms` : `${digits(value / 1000, 3)} s`));
/** At least so many digits, and never fewer than a whole number has. */
const digits = (value, least) => value.toFixed(Math.max(0, least - 1 - Math.floor(Math.log10(value))));
const times = (ratio) => known(ratio, (value) => `${digits(value, 2)}x`);
const size = (mebibytes) => known(mebibytes, (value) => `${(value / 1024).toFixed(2)} GiB`);
const speed = (value) => known(value, (rate) => digits(rate, 3));
const millions = (parameters) => `${Math.round(parameters / 1e6)}M`;
