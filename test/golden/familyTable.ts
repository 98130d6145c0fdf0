import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { FIXTURES } from './compare.ts';

/** Markers around the table in README.md. */
const [START, END] = ['<!-- families -->', '<!-- /families -->'];
/**
 * The largest differences from the references: of logits, attention and residuals by runtime; and, of both runtimes, of gradients, of
 * logits under interventions, and between a logit and the sum of its parts.
 */
const COLUMNS = ['native', 'WASM', 'gradients', 'interventions', 'sums'] as const;
/** What is not compared for a family. */
const NONE = '–';
/** Options that every family has or that do not affect the numbers. */
const COMMON = new Set([
  'model_type',
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'max_position_embeddings',
  'bos_token_id',
  'eos_token_id',
  'torch_dtype',
  'dtype',
  'architectures',
  'use_cache',
  'initializer_range',
  'attention_dropout',
  'attn_pdrop',
  'embd_pdrop',
  'resid_pdrop',
  'pretraining_tp',
  'task_specific_params',
  'add_cross_attention',
  'transformers_version',
  'n_embd',
  'n_layer',
  'n_head',
  'n_positions',
  'num_layers',
  'num_heads',
  'd_model',
  'n_layers',
  'n_heads',
  'attention_heads',
  'ffn_dim',
  'max_seq_len',
  'rope_theta',
]);

/** A row of the table: a family and the options that its cases set. */
export interface Row {
  readonly family: string;
  readonly options: readonly string[];
}

type Config = Readonly<Record<string, unknown>>;

/** The config.json of every golden case, by name; of a hybrid in a wrapper that of its text part. */
function caseConfigs(): ReadonlyMap<string, Config> {
  const paths = ['.', 'variants', 'families', 'hybrids']
    .flatMap((under) => readdirSync(`${FIXTURES}/${under}`).map((name) => `${under}/${name}`))
    .filter((path) => existsSync(`${FIXTURES}/${path}/config.json`));
  return new Map(
    paths.map((path) => {
      const config = JSON.parse(readFileSync(`${FIXTURES}/${path}/config.json`, 'utf8')) as Config & { readonly text_config?: Config };
      return [path.slice(path.lastIndexOf('/') + 1), config.text_config ?? config];
    }),
  );
}

/** The families and options that the golden cases cover, sorted by family. */
export function coveredFamilies(): readonly Row[] {
  const rows = new Map<string, Set<string>>();
  for (const config of caseConfigs().values()) {
    const family = String(config['model_type']);
    const options = rows.get(family) ?? new Set<string>();
    rows.set(family, options);
    for (const [option, value] of Object.entries(config)) {
      if (COMMON.has(option) || option.startsWith('summary_') || (option === 'pad_token_id' && family !== 'xglm')) continue;
      if (option === 'rope_parameters' || option === 'rope_scaling') for (const type of ropeTypes(value)) options.add(`rope: ${type}`);
      else if (option === 'attn_config') for (const inner of Object.keys(value ?? {})) options.add(inner);
      else options.add(option);
    }
  }
  return [...rows]
    .map(([family, options]) => ({ family, options: [...options].toSorted() }))
    .toSorted((a, b) => (a.family < b.family ? -1 : 1));
}

function ropeTypes(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { rope_type: type, type: older, ...rest } = value as Record<string, unknown>;
  const found = type ?? older;
  return typeof found === 'string' ? [found] : Object.values(rest).flatMap(ropeTypes);
}

/**
 * Writes a column's largest differences into the table of README.md, if FAMILY_TABLE=write was said. `worst` maps cases to differences;
 * families without any keep what they have.
 */
export function writeWorst(column: (typeof COLUMNS)[number], worst: ReadonlyMap<string, number>): void {
  if (process.env['FAMILY_TABLE'] !== 'write') return;
  const readme = readFileSync('README.md', 'utf8');
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start === -1 || end === -1) throw new Error('README.md has no place for the table of families.');
  const known = new Map(
    readme
      .slice(start, end)
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, family = '', , ...cells]) => [family, cells]),
  );
  const rows = coveredFamilies().map(({ family, options }) => {
    const cells = COLUMNS.map((name, index) => (name === column ? worstOf(family, worst) : null) ?? (known.get(family)?.[index] || NONE));
    return `| ${[family, options.join(', '), ...cells].join(' | ')} |`;
  });
  const table = [
    START,
    `| family | options covered | ${COLUMNS.join(' | ')} |`,
    `|---|---|${COLUMNS.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n');
  writeFileSync('README.md', readme.slice(0, start) + table + readme.slice(end));
}

function worstOf(family: string, worst: ReadonlyMap<string, number>): string | null {
  const configs = caseConfigs();
  const values = [...worst].filter(([name]) => configs.get(name)?.['model_type'] === family).map(([, value]) => value);
  return values.length === 0 ? null : Math.max(...values).toExponential(1);
}

/** Keeps the largest difference of a case. */
export function noteWorst(worst: Map<string, number>, name: string, difference: number): void {
  worst.set(name, Math.max(difference, worst.get(name) ?? 0));
}
