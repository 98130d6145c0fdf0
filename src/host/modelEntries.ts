import { bytesText } from '../core/bytesText.ts';
import { TYPICAL_TOKENS, type MemoryNeed, type ModelDescription, type RuntimeKind } from '../core/memory.ts';
import type { Source } from '../library/found/api.ts';
import type { Translate } from '../core/translatable.ts';

/** Where a model of the library comes from. */
export type Group = 'bundled' | 'downloaded' | 'added' | Source;

export const GROUPS: readonly Group[] = ['bundled', 'downloaded', 'added', 'huggingFace', 'ollama', 'lmStudio'];

/** A model that can be chosen. */
export interface ModelEntry {
  readonly group: Group;
  /** What `explainTokens.model` is while it is used. */
  readonly setting: string;
  readonly name: string;
  readonly aliases: readonly string[];
  /** Of the weights on the disk, where that is known without opening them. */
  readonly bytes: number | null;
  /** What it was downloaded as. */
  readonly id?: string;
}

/** What this machine has for a model. */
export interface Resources {
  readonly runtime: RuntimeKind;
  /** Bytes; null where the system does not tell. */
  readonly free: number | null;
}

/** What is known of a model: not yet, or what it is, or why it cannot be used. */
export type Known =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'described'; readonly description: ModelDescription; readonly resources: Resources }
  | { readonly kind: 'refused'; readonly reason: string };

export const UNKNOWN: Known = { kind: 'unknown' };

/** Whether a model can be used: `fits`, or why not. */
export type Fit = { readonly kind: 'fits' } | { readonly kind: 'large' | 'refused'; readonly reason: string };

export function fitOf(known: Known, t: Translate): Fit {
  if (known.kind === 'refused') return { kind: 'refused', reason: known.reason };
  if (known.kind === 'unknown') return { kind: 'fits' };
  const { resources: { free, runtime } } = known;
  const need = needOf(known);
  if (need === null) return { kind: 'large', reason: t('too large for WebAssembly; the native runtime needs {0}', bytesText(known.description.memory.native.typical)) };
  if (free === null || need.typical <= free) return { kind: 'fits' };
  const native = known.description.memory.native.typical;
  if (runtime === 'wasm' && native <= free) return { kind: 'large', reason: t('does not fit: {0} are free; the native runtime needs {1}', bytesText(free), bytesText(native)) };
  return { kind: 'large', reason: t('does not fit: {0} are free', bytesText(free)) };
}

/** What a described model needs with the runtime in use; null: it cannot run there. */
export function needOf({ description, resources }: Extract<Known, { readonly kind: 'described' }>): MemoryNeed | null {
  return description.memory[resources.runtime];
}

/** Family, parameters, size, context, type of the weights and memory, as far as known, in the order people compare models by. */
export function factsOf(entry: ModelEntry, known: Known, t: Translate, language: string): readonly string[] {
  if (known.kind === 'refused') return entry.bytes === null ? [] : [bytesText(entry.bytes)];
  if (known.kind === 'unknown') return entry.bytes === null ? [] : [bytesText(entry.bytes)];
  const { description } = known;
  const need = needOf(known);
  return [
    description.family,
    t('{0} parameters', countText(description.parameters)),
    bytesText(entry.bytes ?? description.bytes),
    t('{0} tokens', description.contextLength.toLocaleString(language)),
    description.weightType,
    ...(need === null ? [] : [t('needs {0}', bytesText(need.typical))]),
  ];
}

/** Everything known of a model, a line each: for a tooltip. */
export function detailsOf(entry: ModelEntry, known: Known, t: Translate, language: string): readonly string[] {
  const lines = [entry.name, ...(entry.aliases.length > 0 ? [t('also: {0}', entry.aliases.join(', '))] : []), ...(entry.setting === '' ? [] : [entry.setting])];
  if (known.kind === 'refused') return [...lines, known.reason];
  if (known.kind === 'unknown') return lines;
  const { description } = known;
  const { memory } = description;
  const typicalTokens = Math.min(TYPICAL_TOKENS, description.contextLength);
  const context = description.contextLength.toLocaleString(language);
  const memoryLine = (runtime: string, { typical, full }: MemoryNeed): string =>
    typicalTokens === description.contextLength ? t('Memory with {0}: {1}', runtime, bytesText(typical)) : t('Memory with {0}: {1} for {2} tokens, {3} for {4}', runtime, bytesText(typical), typicalTokens, bytesText(full), context);
  const fit = fitOf(known, t);
  return [
    ...lines,
    t('{0}, {1} parameters, {2} on the disk, weights in {3}', description.family, countText(description.parameters), bytesText(entry.bytes ?? description.bytes), description.weightType),
    t('Layers: {0}, heads: {1}, width: {2}, tokens at once: {3}', description.layers, description.heads, description.dim, context),
    memory.wasm === null ? t('Too large for WebAssembly') : memoryLine('WebAssembly', memory.wasm),
    memoryLine(t('the native runtime'), memory.native),
    ...(fit.kind === 'fits' ? [] : [fit.reason]),
  ];
}

/** A count as model names write it: 9M, 124M, 1.5B. */
export function countText(count: number): string {
  for (const [unit, letter] of [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'K']] as const) {
    if (count >= unit) return `${(count / unit).toFixed(count < 10 * unit ? 1 : 0).replace(/\.0$/, '')}${letter}`;
  }
  return String(count);
}

/** The name of a group. */
export function groupText(group: Group, t: Translate): string {
  switch (group) {
    case 'bundled':
      return t('Part of the extension');
    case 'downloaded':
      return t('Downloaded');
    case 'added':
      return t('Added by You');
    case 'huggingFace':
      return t('Hugging Face cache');
    case 'ollama':
      return 'Ollama';
    case 'lmStudio':
      return 'LM Studio';
  }
}
