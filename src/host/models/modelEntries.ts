import { bytesText } from '../../core/bytesText.ts';
import { TYPICAL_TOKENS, type MemoryNeed, type ModelDescription } from '../../core/memory.ts';
import type { RuntimeKind } from '../../core/runtimeChoice.ts';
import { engineModelIn } from '../../engines/engineSetting.ts';
import type { EngineAbilities } from '../../engines/engineApi.ts';
import type { Source } from '../../library/found/foundApi.ts';
import { inert, inertSentence, type Inert, type Say } from '../../core/inertText.ts';
import { translated } from '../../core/translatable.ts';

/** Origin of a model of the library. */
export type Group = 'bundled' | 'downloaded' | 'added' | 'engine' | Source;

/** All groups, in display order. */
export const GROUPS: readonly Group[] = ['bundled', 'downloaded', 'added', 'engine', 'huggingFace', 'ollama', 'lmStudio'];

/** A model of the library. */
export interface ModelEntry {
  readonly group: Group;
  /** Value of the setting `explainTokens.model` for this model. */
  readonly setting: string;
  readonly name: string;
  /** Other names of the same weights. */
  readonly aliases: readonly string[];
  /** Size of the weights on the disk; null if unknown without opening them. */
  readonly bytes: number | null;
  /** Id on the hub, for a downloaded model. */
  readonly id?: string;
}

/** Resources of this machine for a model. */
export interface Resources {
  readonly runtime: RuntimeKind;
  /** Bytes of memory that a model may take; null if the system does not tell. */
  readonly free: number | null;
}

/** Knowledge about a model: none yet, its description, what the engine that serves it can do, or why it cannot be used. */
export type Known =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'described'; readonly description: ModelDescription; readonly resources: Resources }
  | { readonly kind: 'served'; readonly program: string; readonly abilities: EngineAbilities }
  | { readonly kind: 'refused'; readonly reason: Inert };

/** A model that was not described yet. */
export const UNKNOWN: Known = { kind: 'unknown' };

/** Whether a model can be used, and if not, why. */
export type Fit = { readonly kind: 'fits' } | { readonly kind: 'large' | 'refused'; readonly reason: Inert };

/** Fit of a model in the free memory, with the runtime in use. An unknown model counts as fitting. */
export function fitOf(known: Known, t: Say): Fit {
  if (known.kind === 'refused') return { kind: 'refused', reason: known.reason };
  if (known.kind === 'served' && known.abilities.scores === 'none')
    return { kind: 'refused', reason: t('returns no probabilities of a text that it is given') };
  if (known.kind !== 'described') return { kind: 'fits' };
  const {
    resources: { free, runtime },
  } = known;
  const need = needOf(known);
  if (need === null)
    return {
      kind: 'large',
      reason: t('too large for WebAssembly; the native runtime needs {0}', bytesText(known.description.memory.native.typical)),
    };
  if (free === null || need.typical <= free) return { kind: 'fits' };
  const native = known.description.memory.native.typical;
  if (runtime === 'wasm' && native <= free)
    return { kind: 'large', reason: t('does not fit: {0} are free; the native runtime needs {1}', bytesText(free), bytesText(native)) };
  return { kind: 'large', reason: t('does not fit: {0} are free', bytesText(free)) };
}

/** Memory that a model needs with the runtime in use; null: it cannot run there. */
export function needOf({ description, resources }: Extract<Known, { readonly kind: 'described' }>): MemoryNeed | null {
  return description.memory[resources.runtime];
}

/** Known facts about a model, in the order in which people compare models: family, parameters, size, context, weight type, memory. */
export function factsOf(entry: ModelEntry, known: Known, t: Say, language: string): readonly Inert[] {
  if (known.kind === 'refused') return entry.bytes === null ? [] : [inert(bytesText(entry.bytes))];
  const engine = engineModelIn(entry.setting);
  const where = engine === null ? [] : [inert(new URL(engine.address).host)];
  if (known.kind === 'served') return [...where, ...servedFacts(known, t, language)];
  if (engine !== null) return where;
  if (known.kind === 'unknown') return entry.bytes === null ? [] : [inert(bytesText(entry.bytes))];
  const { description } = known;
  const need = needOf(known);
  return [
    inert(description.family),
    t('{0} parameters', countText(description.parameters)),
    inert(bytesText(entry.bytes ?? description.bytes)),
    t('{0} tokens', description.contextLength.toLocaleString(language)),
    inert(description.weightType),
    ...(need === null ? [] : [t('needs {0}', bytesText(need.typical))]),
  ];
}

/** Lines of a model's tooltip: all known facts. */
export function detailsOf(entry: ModelEntry, known: Known, t: Say, language: string): readonly Inert[] {
  const lines = [
    inert(entry.name),
    ...(entry.aliases.length > 0 ? [t('also: {0}', entry.aliases.join(', '))] : []),
    ...(entry.setting === '' ? [] : [inert(entry.setting)]),
  ];
  if (known.kind === 'refused') return [...lines, known.reason];
  if (known.kind === 'unknown') return lines;
  if (known.kind === 'served') return [...lines, ...servedLines(known, t, language)];
  const { description } = known;
  const { memory } = description;
  const typicalTokens = Math.min(TYPICAL_TOKENS, description.contextLength);
  const context = description.contextLength.toLocaleString(language);
  const memoryLine = (runtime: string, { typical, full }: MemoryNeed): Inert =>
    typicalTokens === description.contextLength
      ? t('Memory with {0}: {1}', runtime, bytesText(typical))
      : t('Memory with {0}: {1} for {2} tokens, {3} for {4}', runtime, bytesText(typical), typicalTokens, bytesText(full), context);
  const fit = fitOf(known, t);
  return [
    ...lines,
    t(
      '{0}, {1} parameters, {2} on the disk, weights in {3}',
      description.family,
      countText(description.parameters),
      bytesText(entry.bytes ?? description.bytes),
      description.weightType,
    ),
    t('Layers: {0}, heads: {1}, width: {2}, tokens at once: {3}', description.layers, description.heads, description.dim, context),
    memory.wasm === null ? t('Too large for WebAssembly') : memoryLine('WebAssembly', memory.wasm),
    memoryLine(t('the native runtime'), memory.native),
    ...(fit.kind === 'fits' ? [] : [fit.reason]),
    ...(description.notices ?? []).map((notice) => inertSentence(translated(notice, t))),
  ];
}

type Served = Extract<Known, { readonly kind: 'served' }>;

/** What tells engines apart: program, parameters, context, alternatives. */
function servedFacts({ program, abilities }: Served, t: Say, language: string): readonly Inert[] {
  const { parameters, contextLength, alternatives } = abilities;
  return [
    inert(program),
    ...(parameters === null ? [] : [t('{0} parameters', countText(parameters))]),
    ...(contextLength === null ? [] : [t('{0} tokens', contextLength.toLocaleString(language))]),
    t('{0} alternatives', alternatives),
  ];
}

/** What an engine can do with a text, in sentences. */
export function servedLines({ program, abilities }: Served, t: Say, language: string): readonly Inert[] {
  const { scores, contextLength, alternatives } = abilities;
  const ways: Readonly<Record<EngineAbilities['scores'], Inert>> = {
    prompt: t('{0} scores a text in one request, with {1} alternatives at each place.', program, alternatives),
    requests: t('{0} scores a text by one request for each of its tokens, with {1} alternatives at each place.', program, alternatives),
    texts: t(
      '{0} returns the {1} likeliest tokens after a text alone: each token takes a request, is cut by the model’s own file on this \
machine, and what is not among them is known to be less likely.',
      program,
      alternatives,
    ),
    none: t('{0} returns no probabilities of a text that it is given, only of what it generates: it explains none.', program),
  };
  return [
    ways[scores],
    contextLength === null
      ? t('It does not say how many tokens it reads at once.')
      : t('It reads {0} tokens at once.', contextLength.toLocaleString(language)),
    insideLine(abilities, t),
  ];
}

/** What an engine returns of the inside of its model. */
function insideLine({ experts, hiddenStates }: EngineAbilities, t: Say): Inert {
  if (experts === 'unasked')
    return t(
      'It returns no attention and no vectors, and the experts of each token only where it was started with {0}, as its answers show.',
      '--enable-return-routed-experts',
    );
  if (experts === undefined && hiddenStates === undefined) return t('It returns no attention, no vectors and no other internals.');
  if (experts === undefined) return t('It returns the vectors of the last layer, and no attention.');
  return hiddenStates === true
    ? t('It returns the experts of each token and the vectors of the last layer, and no attention.')
    : t('It returns the experts of each token, and no attention or vectors.');
}

/** A number of parameters as in models' names: 9M, 124M, 1.5B. */
export function countText(count: number): string {
  for (const [unit, letter] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const) {
    if (count >= unit) return `${(count / unit).toFixed(count < 10 * unit ? 1 : 0).replace(/\.0$/, '')}${letter}`;
  }
  return String(count);
}

/** Name of a group. */
export function groupText(group: Group, t: Say): Inert {
  switch (group) {
    case 'bundled':
      return t('Part of the extension');
    case 'downloaded':
      return t('Downloaded');
    case 'added':
      return t('Added by You');
    case 'engine':
      return t('Engines');
    case 'huggingFace':
      return t('Hugging Face cache');
    case 'ollama':
      return inert('Ollama');
    case 'lmStudio':
      return inert('LM Studio');
  }
}
