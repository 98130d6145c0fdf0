// A generation as kept while the panel is hidden or reloaded: token ids alone; everything else is requested again.
import * as v from 'valibot';
import { EMPTY_TREE, pathTo, type GeneratedToken, type GenerationTree } from './generationTree.ts';

/** Most tokens kept. Of a larger tree only the branch shown is kept; a longer branch is not kept at all. */
const MAX_TOKENS = 4000;
const MAX_KEY = 1000;

const integer = (low: number, high: number) => v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const finite = v.pipe(v.number(), v.finite());
const each = <Item extends v.GenericSchema>(item: Item) => v.pipe(v.array(item), v.maxLength(MAX_TOKENS));
const DRAW_SETTINGS = v.object({
  sampling: v.object({ temperature: finite, topK: finite, topP: finite, minP: finite }),
  seed: integer(0, Number.MAX_SAFE_INTEGER),
});

/** Plain numbers per token. `uses` are indices of `settings`; `parents`, `end` and `selected` are indices of tokens, -1 for none. */
const KEPT = v.object({
  prompt: v.string(),
  ids: each(integer(0, 2 ** 31 - 1)),
  parents: each(integer(-1, MAX_TOKENS)),
  taken: each(v.boolean()),
  settings: each(DRAW_SETTINGS),
  uses: each(integer(0, MAX_TOKENS)),
  end: integer(-1, MAX_TOKENS),
  selected: integer(-1, MAX_TOKENS),
});
/** A generation tree in its kept form. */
export type KeptGeneration = v.InferOutput<typeof KEPT>;

/** The tree in its kept form; undefined if there is nothing to keep or too much. */
export function keepGeneration(whole: GenerationTree): KeptGeneration | undefined {
  const tree = whole.tokens.length > MAX_TOKENS ? branchAlone(whole) : whole;
  if (tree.tokens.length === 0 || tree.tokens.length > MAX_TOKENS || tree.prompt.length > MAX_KEY) return undefined;
  const known = new Map(tree.tokens.map(({ settings }) => [JSON.stringify(settings), settings]));
  const places = [...known.keys()];
  return {
    prompt: tree.prompt,
    ids: tree.tokens.map(({ id }) => id),
    parents: tree.tokens.map(({ parent }) => parent),
    taken: tree.tokens.map(({ taken }) => taken),
    settings: [...known.values()],
    uses: tree.tokens.map(({ settings }) => places.indexOf(JSON.stringify(settings))),
    end: tree.end,
    selected: tree.selected,
  };
}

/** The tree that was kept; an empty one if `kept` is invalid. */
export function parseGeneration(kept: unknown): GenerationTree {
  const parsed = v.safeParse(KEPT, kept);
  if (!parsed.success) return EMPTY_TREE;
  const { prompt, ids, parents, taken, settings, uses, end, selected } = parsed.output;
  const tokens = ids.flatMap((id, index): readonly GeneratedToken[] => {
    const parent = parents[index];
    const drawn = settings[uses[index] ?? -1];
    if (parent === undefined || parent >= index || drawn === undefined) return [];
    return [{ id, parent, taken: taken[index] === true, settings: drawn, wroteMs: null, step: null }];
  });
  const whole = tokens.length === ids.length && end < tokens.length && selected < tokens.length;
  return whole ? { prompt, tokens, end, selected } : EMPTY_TREE;
}

function branchAlone(tree: GenerationTree): GenerationTree {
  const path = pathTo(tree, tree.end);
  const tokens = path.flatMap((index, place) => {
    const token = tree.tokens[index];
    return token === undefined ? [] : [{ ...token, parent: place - 1 }];
  });
  return { ...tree, tokens, end: tokens.length - 1, selected: path.indexOf(tree.selected) };
}
