import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, flag, list, number, only, optionalCount, positive, refuse, text, value, type Options } from '../config.ts';
import { plainMlp } from '../llama/base.ts';
import { checkGroups, mambaLayer } from '../mamba.ts';
import {
  preNorm,
  PLAIN_ATTENTION,
  PLAIN_BLOCK,
  PLAIN_DECODER,
  PLAIN_EXPERTS,
  type Attention,
  type Block,
  type DecoderSpec,
  type DenseMlp,
  type Experts,
  type Mamba,
} from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';
import { chosenExperts, expertGroups, normalisedOption } from './expertParts.ts';

/** Nemotron H and Nemotron 3 (NVIDIA 2025): a layer is Mamba 2, attention without positions, an MLP without a gate, or experts. */
export function nemotronH(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 4096);
  const heads = count(config, 'num_attention_heads', 32);
  const kvHeads = optionalCount(config, 'num_key_value_heads', value(config, 'num_key_value_heads') === null ? heads : 8);
  const headDim = count(config, 'head_dim', 128);
  const vocab = count(config, 'vocab_size', 131_072);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  if (heads % kvHeads !== 0) refuse(config, 'num_key_value_heads', msg`is ${kvHeads}, which does not divide ${heads} heads`);
  const prefix = ['backbone.', 'model.', ''].find((name) => tensors.has(`${name}embeddings.weight`)) ?? 'backbone.';
  const kinds = layerKinds(config);
  const mamba = nemotronMamba(config, tensors, dim, epsilon);
  const bias = flag(config, 'mlp_bias', false);
  const activation = activationNamed(text(config, 'mlp_hidden_act', 'relu2'), 'mlp_hidden_act');
  const mlp = (at: string, inner: number): DenseMlp => plainMlp(tensors, `${at}.up_proj`, `${at}.down_proj`, dim, inner, activation, bias);
  const inner = count(config, 'intermediate_size', 21_504);
  const moe = kinds.includes('moe') ? nemotronExperts(config, tensors, dim, { activation, bias, mlp }) : null;
  const attention = (at: string): Attention => ({
    ...PLAIN_ATTENTION,
    scale: headDim ** -0.5,
    projections: {
      kind: 'separate',
      q: tensors.linear(`${at}.q_proj`, dim, heads * headDim, false),
      k: tensors.linear(`${at}.k_proj`, dim, kvHeads * headDim, false),
      v: tensors.linear(`${at}.v_proj`, dim, kvHeads * headDim, false),
    },
    output: tensors.linear(`${at}.o_proj`, heads * headDim, dim, false),
  });
  const blocks = kinds.map((kind, layer): Block => {
    const at = `${prefix}layers.${layer}`;
    const norm = preNorm(tensors.rms(`${at}.norm`, dim, epsilon));
    const mixer = `${at}.mixer`;
    const [attentionNorms, mlpNorms] = kind === 'mlp' || kind === 'moe' ? [preNorm(null), norm] : [norm, preNorm(null)];
    return {
      ...PLAIN_BLOCK,
      attentionNorms,
      mlpNorms,
      attention: kind === 'linear_attention' ? mamba(mixer) : kind === 'full_attention' ? attention(mixer) : { kind: 'mlpAlone' },
      mlp: kind === 'mlp' ? mlp(mixer, inner) : kind === 'moe' && moe !== null ? moe(mixer) : { kind: 'none' },
    };
  });
  const tied = flag(config, 'tie_word_embeddings', false);
  return {
    ...PLAIN_DECODER,
    ...embeddingPair(tensors, `${prefix}embeddings.weight`, 'lm_head.weight', vocab, dim, tied),
    heads,
    kvHeads,
    headDim,
    valueDim: headDim,
    dim,
    vocab,
    blocks,
    contextLength: count(config, 'max_position_embeddings', 4096),
    positions: { kind: 'none' },
    finalNorm: tensors.rms(`${prefix}norm_f`, dim, epsilon),
  };
}

/** An option under its own name, or the older one, which counts before it. */
function countOf(config: Options, older: string, name: string, absent: number): number {
  return value(config, older) === undefined ? count(config, name, absent) : count(config, older, absent);
}

function nemotronMamba(config: Options, tensors: Tensors, dim: number, epsilon: number): (at: string) => Mamba {
  only(config, 'mamba_hidden_act', 'silu');
  const heads = count(config, 'mamba_num_heads', 128);
  const groups = countOf(config, 'mamba_n_groups', 'n_groups', 8);
  checkGroups(config, 'n_groups', groups, heads);
  const size = countOf(config, 'mamba_d_conv', 'conv_kernel', 4);
  if (size < 2) refuse(config, 'conv_kernel', msg`is ${size}: a convolution of at least 2 tokens is supported`);
  const sizes = { dim, heads, headDim: count(config, 'mamba_head_dim', 64), groups, stateDim: count(config, 'ssm_state_size', 128), size };
  const bias = flag(config, 'use_bias', false);
  const convolution = flag(config, value(config, 'mamba_conv_bias') === undefined ? 'use_conv_bias' : 'mamba_conv_bias', true);
  // The reference bounds steps by this option, not by `time_step_limit`.
  const least = number(config, value(config, 'mamba_dt_min') === undefined ? 'time_step_min' : 'mamba_dt_min', 0.001);
  const norm = { parts: groups, epsilon, when: 'behindGate' } as const;
  return (at) => mambaLayer(tensors, at, sizes, { input: bias, convolution, output: bias }, [least, Infinity], norm);
}

function nemotronExperts(
  config: Options,
  tensors: Tensors,
  dim: number,
  {
    activation,
    bias,
    mlp,
  }: {
    readonly activation: Extract<DenseMlp, { kind: 'plain' }>['activation'];
    readonly bias: boolean;
    readonly mlp: (at: string, inner: number) => DenseMlp;
  },
): (at: string) => Experts {
  const experts = count(config, 'n_routed_experts', 8);
  const chosen = chosenExperts(config, experts, 2);
  const groups = expertGroups(config, experts, [1, 1], 'bestTwo');
  if (chosen > (groups.kept * experts) / groups.count)
    refuse(config, 'num_experts_per_tok', msg`is ${chosen}, more than the groups that are kept hold`);
  const inner = count(config, 'moe_intermediate_size', 7688);
  const sharedInner = count(config, 'moe_shared_expert_intermediate_size', 7688);
  const latent = (value(config, 'moe_latent_size') ?? null) === null ? null : count(config, 'moe_latent_size', 1);
  const width = latent ?? dim;
  const normalised = normalisedOption(config, true);
  const scale = number(config, 'routed_scaling_factor', 1);
  return (at) => {
    const packed = tensors.has(`${at}.experts.up_proj`);
    const expert = (index: number): DenseMlp => {
      const linear = (name: string, input: number, output: number) =>
        packed
          ? ({ weight: tensors.slice(`${at}.experts.${name}`, [experts, output, input], index), layout: 'out-in', bias: null } as const)
          : tensors.linear(`${at}.experts.${index}.${name}`, input, output, false);
      return { kind: 'plain', activation, up: linear('up_proj', width, inner), down: linear('down_proj', inner, width) };
    };
    return {
      ...PLAIN_EXPERTS,
      router: tensors.linear(`${at}.gate`, dim, experts, false),
      experts: Array.from({ length: experts }, (_, index) => expert(index)),
      chosen,
      score: 'sigmoid',
      correction: tensors.weight(`${at}.gate.e_score_correction_bias`, [experts]),
      groups,
      normalised,
      scale,
      shared: { mlp: mlp(`${at}.shared_experts`, sharedInner), gate: null },
      ...(latent === null
        ? {}
        : {
            latent: {
              down: tensors.linear(`${at}.fc1_latent_proj`, dim, latent, bias),
              up: tensors.linear(`${at}.fc2_latent_proj`, latent, dim, bias),
            },
          }),
    };
  };
}

const KINDS = ['linear_attention', 'full_attention', 'mlp', 'moe'] as const;
type LayerKind = (typeof KINDS)[number];
const OLDER: ReadonlyMap<unknown, LayerKind> = new Map<unknown, LayerKind>([
  ...KINDS.map((kind) => [kind, kind] as const),
  ['mamba', 'linear_attention'],
  ['attention', 'full_attention'],
]);
const LETTERS: ReadonlyMap<string, LayerKind> = new Map([
  ['M', 'linear_attention'],
  ['*', 'full_attention'],
  ['-', 'mlp'],
  ['E', 'moe'],
] as const);

/** What each layer is: by `layers_block_type` or its other name `layer_types`, or by the letters of `hybrid_override_pattern`. */
function layerKinds(config: Options): readonly LayerKind[] {
  const name = (value(config, 'layers_block_type') ?? null) === null ? 'layer_types' : 'layers_block_type';
  const kinds = list(config, name, null, (item): item is string => OLDER.has(item), KINDS.join(', '));
  if (kinds !== null) return kinds.length === 0 ? refuse(config, name, msg`is empty`) : kinds.map((kind) => OLDER.get(kind) ?? 'mlp');
  if ((value(config, 'hybrid_override_pattern') ?? null) === null) return ['linear_attention', 'moe', 'full_attention', 'mlp'];
  const letters = Array.from(text(config, 'hybrid_override_pattern', ''));
  if (letters.length === 0) refuse(config, 'hybrid_override_pattern', msg`is empty`);
  return letters.map(
    (letter) =>
      LETTERS.get(letter) ??
      refuse(config, 'hybrid_override_pattern', msg`holds ${JSON.stringify(letter)}, where M, *, - and E are supported`),
  );
}
