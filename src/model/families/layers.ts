import { list, numberOrNull, optionalCount, refuse, value, type Options } from './config.ts';

const KINDS = ['full_attention', 'sliding_attention'] as const;
type LayerKind = (typeof KINDS)[number];

/**
 * Which layers see a window only: `layer_types`, or what the family's rule says where the option is absent.
 * Throws UserError for a kind that is not supported.
 */
export function slidingLayers(config: Options, layers: number, rule: (layer: number) => boolean): readonly boolean[] {
  const isKind = (item: unknown): item is LayerKind => KINDS.some((kind) => kind === item);
  const given = list(config, 'layer_types', layers, isKind, KINDS.join(' and '));
  return given?.map((kind) => kind === 'sliding_attention') ?? Array.from({ length: layers }, (_, layer) => rule(layer));
}

/** `sliding_window` of config.json; null: none. */
export function windowOption(config: Options, absent: number | null): number | null {
  if (numberOrNull(config, 'sliding_window', absent) === null) return null;
  return optionalCount(config, 'sliding_window', absent ?? 1);
}

/** The window of each layer. Throws UserError where a layer slides and there is no window. */
export function windowsOf(config: Options, sliding: readonly boolean[], window: number | null): readonly (number | null)[] {
  if (window === null && sliding.includes(true)) refuse(config, 'sliding_window', 'is missing, though "layer_types" has layers that slide');
  return sliding.map((slides) => (slides ? window : null));
}

/** Every `pattern`th layer sees all, the others a window: the rule of Gemma 3, Cohere 2 and EXAONE 4. */
export function everyNth(config: Options, name: string, absent: number): (layer: number) => boolean {
  // Newer files state `layer_types` and leave a pattern as text, which is then not read.
  const pattern = typeof value(config, name) === 'string' && value(config, 'layer_types') !== undefined ? absent : optionalCount(config, name, absent);
  return (layer) => (layer + 1) % pattern !== 0;
}
