import { msg } from '../../../core/translatable.ts';
import { isRecord } from '../../../core/records.ts';
import {
  count,
  eitherCount,
  flag,
  list,
  number,
  only,
  optionalCount,
  optionalNumber,
  options,
  positive,
  refuse,
  text,
  value,
  type Options,
} from '../config.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon, type Place, type Sizes } from '../llama/base.ts';
import { readRope } from '../rope.ts';
import { PLAIN_EXPERTS, type Attention, type DecoderSpec, type Experts, type LatentProjections, type Mlp } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, expertGroups, gatedExperts, normalisedOption, sharedExperts } from './expertParts.ts';

/** Epsilon of the norms inside latent attention, whatever `rms_norm_eps` says. */
const LATENT_EPSILON = 1e-6;

/** DeepSeek V2: latent attention, experts chosen by softmax. */
export function deepseekV2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 102_400, positions: 2048 });
  only(config, 'scoring_func', 'softmax');
  // The reference reads this option and does not apply it.
  if (value(config, 'norm_topk_prob') !== null) only(config, 'norm_topk_prob', false);
  const experts = eitherCount(config, 'n_routed_experts', 'num_experts', 64);
  if ((value(config, 'num_experts_per_tok') ?? null) === null) refuse(config, 'num_experts_per_tok', msg`is missing`);
  const method = text(config, 'topk_method', 'greedy');
  if (method !== 'greedy' && method !== 'group_limited_greedy') only(config, 'topk_method', 'greedy');
  const missing = ['n_group', 'topk_group'].find((name) => method !== 'greedy' && (value(config, name) ?? null) === null);
  if (missing !== undefined) refuse(config, missing, msg`is missing, with "topk_method": "${method}"`);
  const bias = flag(config, 'mlp_bias', false);
  return deepseek(
    config,
    tensors,
    sizes,
    { style: 'interleaved', firstSparse: 0, bias, experts, chosen: 1, scale: 1, inner: 1407, shared: 2 },
    {
      score: 'softmax',
      correction: () => null,
      normalised: false,
      groups: method === 'greedy' ? null : expertGroups(config, experts, [1, 1], 'best'),
    },
  );
}

/** DeepSeek V3 and R1: latent attention, experts chosen by sigmoid and a correction, within groups. */
export function deepseekV3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 7168, inner: 18_432, layers: 61, heads: 128, kvHeads: 128, vocab: 129_280, positions: 4096 });
  only(config, 'scoring_func', 'sigmoid');
  only(config, 'topk_method', 'noaux_tc');
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 256);
  const style = flag(config, 'rope_interleave', true) ? 'interleaved' : 'half';
  return deepseek(
    config,
    tensors,
    sizes,
    { style, firstSparse: 3, bias: false, experts, chosen: 8, scale: 2.5, inner: 2048, shared: 1 },
    sigmoidRouting(config, tensors, experts, [8, 4]),
  );
}

/** GLM 4.7 Flash: DeepSeek V3 with other sizes; "mlp_layer_types" says which layers have experts, by default all but the first. */
export function glm4MoeLite(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 10_240,
    layers: 47,
    heads: 20,
    kvHeads: 20,
    // Not read: latent attention has sizes of its own.
    headDim: 64,
    ownHeadDim: true,
    vocab: 154_880,
    positions: 202_752,
  });
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 64);
  const kinds = list(config, 'mlp_layer_types', sizes.layers, isMlpKind, msg`${MLP_KINDS[0]} and ${MLP_KINDS[1]}`);
  return deepseek(
    config,
    tensors,
    sizes,
    {
      style: flag(config, 'rope_interleave', true) ? 'interleaved' : 'half',
      firstSparse: 1,
      isSparse: (layer) => (kinds === null ? layer > 0 : kinds[layer] === 'sparse'),
      bias: false,
      experts,
      chosen: 4,
      scale: 1.8,
      inner: 1536,
      shared: 1,
      latent: { rank: 512, queryRank: 768, plain: 192, valueDim: 256 },
      epsilon: 1e-5,
    },
    sigmoidRouting(config, tensors, experts, [1, 1]),
  );
}

const MLP_KINDS = ['dense', 'sparse'] as const;

function isMlpKind(item: unknown): item is (typeof MLP_KINDS)[number] {
  return MLP_KINDS.some((kind) => kind === item);
}

/** Options of expert routing in which families differ. */
export type Routing = Pick<Experts, 'score' | 'normalised' | 'groups'> & { readonly correction: (place: Place) => Experts['correction'] };

/** Routing of DeepSeek V3 and its relatives: by sigmoid and a correction, within groups; `groups`: their defaults. */
export function sigmoidRouting(
  config: Options,
  tensors: Tensors,
  experts: number,
  groups: readonly [groups: number, kept: number],
): Routing {
  return {
    score: 'sigmoid',
    normalised: normalisedOption(config, true),
    correction: ({ mlp }) => tensors.weight(`${mlp}.gate.e_score_correction_bias`, [experts]),
    groups: expertGroups(config, experts, groups, 'bestTwo'),
  };
}

/** Defaults of options about experts. */
export interface ExpertDefaults {
  readonly firstSparse: number;
  /** Which layers have experts; default: those from `first_k_dense_replace` on. */
  readonly isSparse?: (layer: number) => boolean;
  /** Whether the dense MLPs have biases. */
  readonly bias: boolean;
  readonly experts: number;
  readonly chosen: number;
  readonly scale: number;
  readonly inner: number;
  readonly shared: number;
}

/** Dense MLPs in the layers before `first_k_dense_replace`, experts with shared ones from there on. */
export function denseThenExperts(
  config: Options,
  tensors: Tensors,
  { dim, inner, activation }: Sizes,
  absent: ExpertDefaults,
  { correction, ...routing }: Routing,
): (place: Place) => Mlp {
  const firstSparse = absent.isSparse === undefined ? count(config, 'first_k_dense_replace', absent.firstSparse, 0) : 0;
  const isSparse = absent.isSparse ?? ((layer) => layer >= firstSparse);
  const expertInner = count(config, 'moe_intermediate_size', absent.inner);
  const sharedInner = expertInner * count(config, 'n_shared_experts', absent.shared);
  const chosen = chosenExperts(config, absent.experts, absent.chosen);
  const scale = number(config, 'routed_scaling_factor', absent.scale);
  const available = routing.groups === null ? absent.experts : (routing.groups.kept * absent.experts) / routing.groups.count;
  if (chosen > available) refuse(config, 'num_experts_per_tok', msg`is ${chosen}, more than the groups that are kept hold`);
  return (place) => {
    if (!isSparse(place.layer)) return gatedMlp(tensors, place.mlp, dim, inner, activation, absent.bias);
    return {
      ...PLAIN_EXPERTS,
      chosen,
      scale,
      ...routing,
      correction: correction(place),
      router: tensors.linear(`${place.mlp}.gate`, dim, absent.experts, false),
      experts: gatedExperts(tensors, `${place.mlp}.experts`, absent.experts, dim, expertInner, activation),
      shared: sharedExperts(tensors, `${place.mlp}.shared_experts`, dim, sharedInner, activation, absent.bias),
    };
  };
}

/** Defaults of latent attention; those of DeepSeek where absent. */
interface LatentDefaults {
  readonly style: 'half' | 'interleaved';
  readonly latent?: { readonly rank: number; readonly queryRank: number; readonly plain: number; readonly valueDim: number };
  /** Epsilon of the norms around the sublayers. */
  readonly epsilon?: number;
}

function deepseek(config: Options, tensors: Tensors, sizes: Sizes, absent: ExpertDefaults & LatentDefaults, routing: Routing): DecoderSpec {
  const { dim, heads } = sizes;
  const { latent = { rank: 512, queryRank: 1536, plain: 128, valueDim: 128 } } = absent;
  const rotated = count(config, 'qk_rope_head_dim', 64);
  const plain = count(config, 'qk_nope_head_dim', latent.plain);
  const valueDim = optionalCount(config, 'v_head_dim', latent.valueDim);
  const rank = count(config, 'kv_lora_rank', latent.rank);
  const queryRank = value(config, 'q_lora_rank') === null ? null : count(config, 'q_lora_rank', latent.queryRank);
  const bias = flag(config, 'attention_bias', false);
  if (sizes.kvHeads !== heads)
    refuse(config, 'num_key_value_heads', msg`is ${sizes.kvHeads}, where latent attention has as many as ${heads} heads`);
  const rope = readRope(config, rotated, sizes.maxPositions, { style: absent.style });
  const headDim = plain + rotated;
  const attention = ({ attention: at }: Place): Partial<Attention> => {
    const linear = (name: string, input: number, output: number, biased: boolean) => tensors.linear(`${at}.${name}`, input, output, biased);
    const projections: LatentProjections = {
      kind: 'latent',
      rank,
      plain,
      rotated,
      query:
        queryRank === null
          ? linear('q_proj', dim, heads * headDim, false)
          : {
              down: linear('q_a_proj', dim, queryRank, bias),
              norm: tensors.rms(`${at}.q_a_layernorm`, queryRank, LATENT_EPSILON),
              up: linear('q_b_proj', queryRank, heads * headDim, false),
            },
      down: linear('kv_a_proj_with_mqa', dim, rank + rotated, bias),
      norm: tensors.rms(`${at}.kv_a_layernorm`, rank, LATENT_EPSILON),
      up: linear('kv_b_proj', rank, heads * (plain + valueDim), false),
    };
    return { projections, output: linear('o_proj', heads * valueDim, dim, bias) };
  };
  return llamaLike(config, tensors, { ...sizes, kvHeads: heads, headDim }, rmsEpsilon(config, absent.epsilon), {
    biases: attentionBias(config),
    ropes: () => rope,
    scale: headDim ** -0.5 * yarnScale(config),
    attention,
    mlp: denseThenExperts(config, tensors, sizes, absent, routing),
    decoder: { valueDim },
  });
}

/** Factor of the scores: with an extended context and `mscale_all_dim`, the square of YaRN's magnitude scale. */
function yarnScale(config: Options): number {
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters');
  if (!isRecord(given)) return 1;
  const rope = options(given, 'rope_parameters');
  if ((value(rope, 'rope_type') ?? value(rope, 'type') ?? 'default') === 'default') return 1;
  if (value(rope, 'factor') === undefined) refuse(rope, 'factor', msg`is missing`);
  const mscale = optionalNumber(rope, 'mscale_all_dim') ?? 0;
  const factor = mscale === 0 ? 1 : positive(rope, 'factor', 1);
  return factor <= 1 ? 1 : (0.1 * mscale * Math.log(factor) + 1) ** 2;
}
