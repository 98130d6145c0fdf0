import { msg } from '../../core/translatable.ts';
import { list, numberOrNull, optionalCount, refuse, value, type Options } from './config.ts';

// Rules by layer are functions: how many layers there are is known to be true only when their tensors have been found.

const KINDS = ['full_attention', 'sliding_attention'] as const;
type LayerKind = (typeof KINDS)[number];

function isKind(item: unknown): item is LayerKind {
  return KINDS.some((kind) => kind === item);
}

/**
 * Which layers see a window only: `layer_types`, or what the family's rule says where the option is absent.
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

/** The window of each layer, which throws UserError for a layer that slides where there is no window. */
export function windowsOf(config: Options, sliding: (layer: number) => boolean, window: number | null): (layer: number) => number | null {
  return (layer) => {
    if (!sliding(layer)) return null;
    return window ?? refuse(config, 'sliding_window', msg`is missing, though layer ${layer} has one by "layer_types"`);
  };
}

/** Every `pattern`th layer sees all, the others a window: the rule of Gemma 3, Cohere 2 and EXAONE 4. */
export function everyNth(config: Options, name: string, absent: number): (layer: number) => boolean {
  // Newer files state `layer_types` and leave a pattern as text, which is then not read.
  const pattern = typeof value(config, name) === 'string' && value(config, 'layer_types') !== undefined ? absent : optionalCount(config, name, absent);
  return (layer) => (layer + 1) % pattern !== 0;
}
