import { msg } from '../../core/translatable.ts';
import { list, numberOrNull, optionalCount, refuse, value, type Options } from './config.ts';

// Rules by layer are functions, not lists: the number of layers is verified only when their tensors have been found.

const KINDS = ['full_attention', 'sliding_attention'] as const;
type LayerKind = (typeof KINDS)[number];

function isKind(item: unknown): item is LayerKind {
  return KINDS.some((kind) => kind === item);
}

/**
 * Whether each layer has a sliding window: by `layer_types`, or by the family's rule where the option is missing.
 * Throws UserError for a kind that is not supported.
 */
export function slidingLayers(config: Options, layers: number, rule: (layer: number) => boolean): (layer: number) => boolean {
  const given = list(config, 'layer_types', layers, isKind, msg`${KINDS[0]} and ${KINDS[1]}`);
  return given === null ? rule : (layer) => given[layer] === 'sliding_attention';
}

/** `sliding_window` of config.json; null: none. */
export function windowOption(config: Options, absent: number | null): number | null {
  if (numberOrNull(config, 'sliding_window', absent) === null) return null;
  return optionalCount(config, 'sliding_window', absent ?? 1);
}

/** The window of each layer. Throws UserError for a sliding layer where config.json gives no window. */
export function windowsOf(config: Options, sliding: (layer: number) => boolean, window: number | null): (layer: number) => number | null {
  return (layer) => {
    if (!sliding(layer)) return null;
    return window ?? refuse(config, 'sliding_window', msg`is missing, though layer ${layer} has one by "layer_types"`);
  };
}

/** Every n-th layer attends globally, the others to a window: the rule of Gemma 3, Cohere 2 and EXAONE 4. */
export function everyNth(config: Options, name: string, absent: number): (layer: number) => boolean {
  // Newer files have `layer_types`, and then a pattern that may be a string, which is not read.
  const pattern =
    typeof value(config, name) === 'string' && value(config, 'layer_types') !== undefined ? absent : optionalCount(config, name, absent);
  return (layer) => (layer + 1) % pattern !== 0;
}
