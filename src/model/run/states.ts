import type { Recipe } from '../../core/run.ts';
import type { Tensor } from '../../core/tensor.ts';
import { recurrencesOf } from '../families/mixers.ts';
import type { DecoderSpec, Recurrence } from '../families/spec.ts';
import { stateNames } from '../graph/decoder.ts';
import { layerInputs, positionTables, tableShapes } from '../graph/inputs.ts';
import { interventionTables, spanRows } from '../graph/interventionInputs.ts';
import { stateSizes } from '../graph/recurrenceGraph.ts';
import type { LayerState } from './forwardTrace.ts';
import { floats } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { TrunkPart } from './sessions.ts';

// What layers without attention keep of the tokens before. It cannot be taken back: where a text goes on from some tokens of another, it is
// computed again from those tokens' residuals.

/** Whether the model has such layers. */
export function hasStates({ blocks }: Pick<DecoderSpec, 'blocks'>): boolean {
  return recurrencesOf(blocks).length > 0;
}

/** The inputs of a layer's graph for what it keeps; `state` null: there is no token before. */
export function stateFeeds(mixer: Recurrence, layer: number, state: LayerState | null): Readonly<Record<string, Feed>> {
  const sizes = stateSizes(mixer);
  return Object.fromEntries(
    stateNames(mixer).map((name) => {
      const dims = sizes[name] ?? [];
      const data = state?.[name] ?? new Float32Array(dims.reduce((product, size) => product * size, 1));
      return [`past${name === 'window' ? 'Window' : 'State'}.${layer}`, { dims, data }];
    }),
  );
}

/** What a layer keeps, of the outputs of its graph. */
export function stateOf(mixer: Recurrence, layer: number, out: Readonly<Record<string, Float32Array | Int32Array>>): LayerState {
  return Object.fromEntries(stateNames(mixer).map((name) => [name, floats(out[`${name}.${layer}`])]));
}

/** The start of a run, and what the layers read of it. */
export interface KnownStart {
  readonly recipe: Recipe;
  /** Tokens of the start. */
  readonly tokens: number;
  /** Tokens of the whole text, which the ropes may depend on. */
  readonly length: number;
  /** [to - from, D], what layer `layer` reads of tokens from..to. */
  readonly layerInput: (layer: number, from: number, to: number) => Tensor;
  /** [kvHeads, tokens, headDim or valueDim], a layer's keys and values of the first tokens. */
  readonly past: (layer: number, tokens: number) => { readonly k: Feed; readonly v: Feed };
}

/** Most tokens at once: what is computed beside the states is thrown away. */
const TOGETHER = 256;

/**
 * What the layers of `parts` keep of the first tokens of a run, from those tokens' residuals; equal, up to rounding, to what they kept when
 * the tokens were read. Where a session holds several layers, those between are computed again.
 */
export async function statesAt(spec: DecoderSpec, parts: readonly TrunkPart[], start: KnownStart): Promise<readonly LayerState[]> {
  const { recipe, tokens, length, layerInput, past } = start;
  const states: LayerState[] = spec.blocks.map(() => ({}));
  for (const { session, from, to } of parts) {
    const own = recurrencesOf(spec.blocks.slice(from, to)).map(({ layer, mixer }) => ({ layer: from + layer, mixer }));
    if (own.length === 0) continue;
    const names = own.flatMap(({ layer, mixer }) => stateNames(mixer).map((name) => `${name}.${layer}`));
    for (let first = 0; first < tokens; first += TOGETHER) {
      const count = Math.min(TOGETHER, tokens - first);
      const span = { past: first, room: first, tokens: count, length };
      const tables = positionTables(spec, span);
      const feeds: Record<string, Feed> = {
        resid: layerInput(from, first, first + count),
        ...interventionTables(spec, recipe, from, to, spanRows(span)),
      };
      for (const [name] of tableShapes(spec, layerInputs(spec, from, to))) feeds[name] = tables.get(name) ?? missing(name);
      for (const { layer, mixer } of own) Object.assign(feeds, stateFeeds(mixer, layer, first === 0 ? null : (states[layer] ?? null)));
      for (const [i, { attention }] of spec.blocks.slice(from, to).entries()) {
        if (attention.kind !== 'attention') continue;
        const { k, v } = past(from + i, first);
        feeds[`pastK.${from + i}`] = k;
        feeds[`pastV.${from + i}`] = v;
      }
      const out = await session.run(feeds, names);
      for (const { layer, mixer } of own) states[layer] = stateOf(mixer, layer, out);
    }
  }
  return states;
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}
