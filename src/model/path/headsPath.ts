import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { Rope } from '../families/rope.ts';
import { keySource, type Attention, type DecoderSpec, type HeadNorm, type LatentProjections, type Linear } from '../families/spec.ts';
import { rotaryPartner } from '../graph/positionsGraph.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { itemOf } from '../run/outputs.ts';
import { headOf, type LayerRow } from './layerRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** The head that the path goes through. */
export interface HeadChoice {
  readonly head: number;
  readonly kvHead: number;
  /** The token's key and value, where the layer reads those of another layer. */
  readonly shared?: { readonly layer: number; readonly key: Float32Array; readonly value: Float32Array };
}

/** The key and value of a token that layer `layer` reads from another layer; nothing for one that makes its own. */
export function sharedKeyValue(spec: DecoderSpec, trace: Trace, layer: number, token: number, kvHead: number): Pick<HeadChoice, 'shared'> {
  const source = keySource(spec, layer);
  if (source === layer) return {};
  const of = ({ dims: [, length = 0, width = 0], data }: Trace['k'][number]): Float32Array => headOf(data, kvHead * length + token, width);
  return { shared: { layer: source, key: of(itemOf(trace.k, source)), value: of(itemOf(trace.v, source)) } };
}

/** Adds the stages from attention's input to the query, key and value of one head. Returns the names of their last stages. */
export async function addHeads(
  path: PathBuilder,
  row: LayerRow,
  read: StageName,
  attention: Attention,
  spec: DecoderSpec,
  choice: HeadChoice,
): Promise<{ readonly query: StageName; readonly key: StageName; readonly value: StageName }> {
  if (attention.projections.kind === 'latent') return addLatentHeads(path, row, read, attention, attention.projections, spec, choice);
  const { headDim, valueDim } = spec;
  const { queryKeyNorm: norms, clip, rope } = attention;
  const sides = [
    {
      name: 'query',
      normed: 'queryNormed',
      clipped: 'queryClipped',
      rotated: 'queryRotated',
      head: choice.head,
      norm: norms?.query ?? null,
    },
    { name: 'key', normed: 'keyNormed', clipped: 'keyClipped', rotated: 'keyRotated', head: choice.kvHead, norm: norms?.key ?? null },
  ] as const;
  type Side = (typeof sides)[number];
  const last = new Map<Side, StageName>();
  const place = (side: Side): StageName => last.get(side) ?? side.name;
  const { shared } = choice;
  const [query, key] = sides;
  /** The sides that this layer makes. */
  const own: readonly Side[] = shared === undefined ? sides : [query];

  path.step('heads');
  for (const side of own) {
    const { linear, rowOf } = projectionOf(attention, spec, side.name, side.head);
    path.linear(side.name, headOf(row.value(side.name), side.head, headDim), read, linear, rowOf);
  }
  if (shared === undefined) {
    const { linear, rowOf } = projectionOf(attention, spec, 'value', choice.kvHead);
    path.linear('value', headOf(row.value('value'), choice.kvHead, valueDim), read, linear, rowOf);
  } else {
    path.add('key', shared.key, { kind: 'ofLayer', layer: shared.layer });
    path.add('value', shared.value, { kind: 'ofLayer', layer: shared.layer });
  }

  const addNorms = async (input: (side: Side) => Float32Array): Promise<void> => {
    path.step('headNorm');
    for (const side of own) {
      if (side.norm !== null)
        await path.headNorm(
          side.normed,
          headOf(row.value(side.normed), side.head, headDim),
          place(side),
          side.norm,
          input(side),
          side.head,
        );
      if (side.norm !== null) last.set(side, side.normed);
    }
  };
  const isJoined = (norm: HeadNorm | null): boolean => norm?.kind === 'joined';
  if (norms !== null && isJoined(norms.query)) await addNorms((side) => row.value(side.name));
  let value: StageName = 'value';
  if (clip !== null) {
    path.step('clip');
    const clipped = (values: Float32Array): Float32Array => values.map((number) => Math.max(-clip, Math.min(clip, number)));
    for (const side of sides) {
      path.add(side.clipped, clipped(headOf(row.value(isJoined(side.norm) ? side.normed : side.name), side.head, headDim)), {
        kind: 'clip',
        of: place(side),
        low: -clip,
        high: clip,
      });
      last.set(side, side.clipped);
    }
    path.add('valueClipped', clipped(headOf(row.value('value'), choice.kvHead, valueDim)), {
      kind: 'clip',
      of: 'value',
      low: -clip,
      high: clip,
    });
    value = 'valueClipped';
  }
  if (norms !== null && !isJoined(norms.query) && norms.when === 'beforeRope') await addNorms((side) => row.value(side.name));
  if (attention.valueNorm !== null && shared === undefined) {
    path.step('headNorm');
    const norm = { kind: 'heads', norm: attention.valueNorm } as const;
    const normed = headOf(row.value('valueNormed'), choice.kvHead, valueDim);
    await path.headNorm('valueNormed', normed, value, norm, row.value('value'), choice.kvHead);
    value = 'valueNormed';
  }
  if (rope !== null && row.turn !== null) {
    path.step('rotary');
    for (const side of own) {
      path.add(side.rotated, headOf(row.value(side.rotated), side.head, headDim), {
        kind: 'rotated',
        of: place(side),
        ...row.turn,
        partner: Int32Array.from({ length: rope.width }, (_, i) => rotaryPartner(rope, i)),
      });
      last.set(side, side.rotated);
    }
  }
  if (norms !== null && !isJoined(norms.query) && norms.when === 'afterRope')
    await addNorms((side) => row.value(rope === null ? side.name : side.rotated));
  if (attention.queryScale !== null) {
    addQueryScale(path, row, place(query), choice.head, headDim);
    last.set(query, 'queryScaled');
  }
  return { query: place(query), key: place(key), value };
}

/** The matrix that computes a head's query, key or value, and its row for number `index`. */
function projectionOf(
  { projections, gates }: Attention,
  { heads, kvHeads, headDim, valueDim }: DecoderSpec,
  part: 'query' | 'key' | 'value',
  head: number,
): { readonly linear: Linear; readonly rowOf: (index: number) => number } {
  if (projections.kind === 'separate') {
    // Behind each head's query may lie its gate.
    const width = { query: gates === 'behindQueries' ? 2 * headDim : headDim, key: headDim, value: valueDim }[part];
    return {
      linear: { query: projections.q, key: projections.k, value: projections.v ?? projections.k }[part],
      rowOf: (index) => width * head + index,
    };
  }
  if (projections.kind === 'queryAlone') return { linear: projections.q, rowOf: (index) => head * headDim + index };
  if (projections.kind !== 'fused') throw new Error('Latent attention makes its heads itself.');
  const { groups, order } = projections.layout;
  const [queries, keys] = [heads / groups, kvHeads / groups];
  const own = part === 'query' ? queries : keys;
  const group = Math.floor(head / own);
  const before = part === 'query' ? 0 : (part === 'key') === (order === 'qkv') ? queries : queries + keys;
  const first = (group * (queries + 2 * keys) + before + (head % own)) * headDim;
  return { linear: projections.qkv, rowOf: (index) => first + index };
}

/** Latent attention (DeepSeek-AI 2024, section 2.1): queries from a down-projected vector in some models, keys and values always. */
async function addLatentHeads(
  path: PathBuilder,
  row: LayerRow,
  read: StageName,
  { rope, queryScale }: Attention,
  projections: LatentProjections,
  { headDim, valueDim }: DecoderSpec,
  { head }: HeadChoice,
): Promise<{ readonly query: StageName; readonly key: StageName; readonly value: StageName }> {
  const { query, down, norm, up, rank, plain, rotated } = projections;
  path.step('heads');
  if ('down' in query) {
    path.linear('queryDown', row.value('queryDown'), read, query.down);
    await path.norm('queryDownNormed', row.value('queryDownNormed'), 'queryDown', query.norm, row.value('queryDown'));
    path.linear('query', headOf(row.value('query'), head, headDim), 'queryDownNormed', query.up, (index) => head * headDim + index);
  } else {
    path.linear('query', headOf(row.value('query'), head, headDim), read, query, (index) => head * headDim + index);
  }
  const latent = row.value('latent');
  const keyValue = headOf(row.value('keyValue'), head, plain + valueDim);
  const first = head * (plain + valueDim);
  path.linear('latent', latent, read, down);
  await path.norm('latentNormed', row.value('latentNormed'), 'latent', norm, latent);
  path.linear('plainKey', keyValue.slice(0, plain), 'latentNormed', up, (index) => first + index);
  path.add('sharedKey', latent.slice(rank), { kind: 'part', of: 'latent', from: rank });
  path.linear('value', keyValue.slice(plain), 'latentNormed', up, (index) => first + plain + index);
  if (rope === null || row.turn === null) {
    path.add('concatenatedKey', Float32Array.from([...keyValue.slice(0, plain), ...latent.slice(rank)]), {
      kind: 'concatenated',
      of: 'plainKey',
      with: 'sharedKey',
    });
    return { query: 'query', key: 'concatenatedKey', value: 'value' };
  }
  path.step('rotary');
  const turned = turnedBehind(rope, row.turn, plain);
  path.add('queryRotated', headOf(row.value('queryRotated'), head, headDim), { kind: 'rotated', of: 'query', ...turned });
  path.add('sharedKeyRotated', row.value('sharedKeyRotated'), { kind: 'rotated', of: 'sharedKey', ...turnedBehind(rope, row.turn, 0) });
  path.add('concatenatedKey', Float32Array.from([...keyValue.slice(0, plain), ...row.value('sharedKeyRotated').slice(0, rotated)]), {
    kind: 'concatenated',
    of: 'plainKey',
    with: 'sharedKeyRotated',
  });
  if (queryScale === null) return { query: 'queryRotated', key: 'concatenatedKey', value: 'value' };
  addQueryScale(path, row, 'queryRotated', head, headDim);
  return { query: 'queryScaled', key: 'concatenatedKey', value: 'value' };
}

function addQueryScale(path: PathBuilder, row: LayerRow, of: StageName, head: number, headDim: number): void {
  path.step('queryScale');
  path.add('queryScaled', headOf(row.value('queryScaled'), head, headDim), { kind: 'scaled', of, factor: row.queryScale });
}

/** The rotation of a vector whose first `plain` numbers stay as they are. */
function turnedBehind(
  rope: Rope,
  { cos, sin }: { readonly cos: Float32Array; readonly sin: Float32Array },
  plain: number,
): { cos: Float32Array; sin: Float32Array; partner: Int32Array } {
  const width = plain + rope.width;
  return {
    cos: Float32Array.from({ length: width }, (_, i) => (i < plain ? 1 : at(cos, i - plain))),
    sin: Float32Array.from({ length: width }, (_, i) => (i < plain ? 0 : at(sin, i - plain))),
    partner: Int32Array.from({ length: width }, (_, i) => (i < plain ? i : plain + rotaryPartner(rope, i - plain))),
  };
}
