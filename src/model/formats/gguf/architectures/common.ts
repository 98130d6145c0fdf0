import { msg, type Translatable } from '../../../../core/translatable.ts';
import { HEADS_MAX, LAYERS_MAX, type Facts } from '../facts.ts';
import { experts, shaped, split, unpermuted, type Expand, type Layout } from '../layout.ts';
import { ropeParameters, type RopeTensors } from '../ggufRope.ts';

/** A GGUF file as a Hugging Face folder: its configuration and the layout of its tensors. */
export interface Described {
  /** Contents of config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly layout: Layout;
  /** Names of tensors that are not part of the language model. */
  readonly ignored?: RegExp;
  /** Notices about parts left out, and about values assumed where the file does not state them. */
  readonly notices?: readonly Translatable[];
}

/** Reads a file of one architecture. Throws UserError naming the key or tensor at fault. */
export type Architecture = (facts: Facts, ropes: RopeTensors) => Described;

/** Sizes of a model. */
export interface Sizes {
  readonly dim: number;
  readonly layers: number;
  /** Number of blocks after the last layer that predict further tokens. */
  readonly extra: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Numbers of each head that are rotated. */
  readonly rotated: number;
}

/** Number of layers, and of extra blocks after them. */
export function layersOf(facts: Facts): Pick<Sizes, 'layers' | 'extra'> {
  const all = facts.count('block_count');
  const extra = facts.number('nextn_predict_layers', 0);
  if (all > LAYERS_MAX) facts.refuse(msg`claims ${all} layers, where at most ${LAYERS_MAX} are allowed`);
  if (!Number.isInteger(extra) || extra < 0 || extra >= all)
    facts.refuse(msg`says "${facts.architecture}.nextn_predict_layers" as ${extra}, of ${all} blocks`);
  return { layers: all - extra, extra };
}

/** Number of query heads, the same in every layer. */
export function headsOf(facts: Facts): number {
  const heads = facts.count('attention.head_count');
  if (heads > HEADS_MAX) facts.refuse(msg`claims ${heads} heads in a layer, where at most ${HEADS_MAX} are allowed`);
  return heads;
}

/** The sizes of a model. */
export function sizesOf(facts: Facts): Sizes {
  const dim = facts.count('embedding_length');
  const heads = headsOf(facts);
  const kvHeads = keyHeadsOf(facts, heads);
  const headDim = facts.count('attention.key_length', Math.max(1, Math.floor(dim / heads)));
  const valueDim = facts.count('attention.value_length', headDim);
  if (kvHeads > heads) facts.refuse(msg`claims ${kvHeads} heads of keys for ${heads} of queries`);
  if (valueDim !== headDim)
    facts.refuse(msg`has values of ${valueDim} numbers and keys of ${headDim}, which is not supported for ${facts.architecture}`);
  return { dim, heads, kvHeads, headDim, ...layersOf(facts), rotated: facts.count('rope.dimension_count', headDim) };
}

/** Number of key heads, the same in every layer that has any: layers without attention are said to have 0. */
function keyHeadsOf(facts: Facts, heads: number): number {
  const given = facts.value('attention.head_count_kv');
  const [own, ...others] = new Set(Array.isArray(given) ? given.filter((count) => count !== 0) : []);
  const isOne = typeof own === 'number' && Number.isSafeInteger(own) && own > 0 && others.length === 0;
  return isOne ? own : facts.count('attention.head_count_kv', heads);
}

/** Options of config.json that families with Llama's names for sizes have in common. */
export function llamaConfig(facts: Facts, modelType: string, sizes: Sizes): Record<string, unknown> {
  const { dim, layers, heads, kvHeads, headDim } = sizes;
  return {
    model_type: modelType,
    vocab_size: facts.dim('token_embd.weight', 0),
    hidden_size: dim,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    max_position_embeddings: facts.count('context_length'),
    tie_word_embeddings: !facts.has('output.weight'),
  };
}

/** The width of the MLP: `feed_forward_length`. */
export function innerSize(facts: Facts): { readonly intermediate_size: number } {
  return { intermediate_size: facts.count('feed_forward_length') };
}

/** The epsilon of RMSNorm. */
export function rmsEpsilon(facts: Facts): { readonly rms_norm_eps: number } {
  return { rms_norm_eps: facts.number('attention.layer_norm_rms_epsilon') };
}

/** Rope of whole heads. Throws UserError where only a part of each is rotated. */
export function wholeRope(facts: Facts, ropes: RopeTensors, { headDim, rotated }: Sizes): Readonly<Record<string, unknown>> {
  if (rotated !== headDim)
    facts.refuse(msg`rotates ${rotated} of the ${headDim} numbers of a head, which is not supported for ${facts.architecture}`);
  return { rope_parameters: ropeParameters(facts, ropes, headDim) };
}

/** Rope of the first part of each head. */
export function partialRope(facts: Facts, ropes: RopeTensors, { headDim, rotated }: Sizes): Readonly<Record<string, unknown>> {
  if (rotated > headDim) facts.refuse(msg`rotates ${rotated} numbers of heads of ${headDim}`);
  return { rope_parameters: { ...ropeParameters(facts, ropes, rotated), partial_rotary_factor: rotated / headDim } };
}

/** Options of a family with Llama's names for sizes, one width of the MLP, RMSNorm and a rope of whole heads. */
export function usualConfig(facts: Facts, ropes: RopeTensors, modelType: string, sizes: Sizes): Record<string, unknown> {
  return {
    ...llamaConfig(facts, modelType, sizes),
    ...innerSize(facts),
    ...rmsEpsilon(facts),
    ...wholeRope(facts, ropes, sizes),
  };
}

/** Experts of a block, a stack of each of their matrices, as one matrix each under `at`. */
export function expertStacks(facts: Facts, at: string, names: ExpertNames = EXPERT_PARTS): Layout['block'] {
  const stack = (name: string): Expand => experts((expert) => `${at}.${expert}.${name}`, facts);
  return { ffn_gate_exps: stack(names.gate), ffn_up_exps: stack(names.up), ffn_down_exps: stack(names.down) };
}

/** An expert that runs for every token, under `at`. */
export function sharedExpert(at: string): Layout['block'] {
  return {
    ffn_gate_shexp: `${at}.${EXPERT_PARTS.gate}`,
    ffn_up_shexp: `${at}.${EXPERT_PARTS.up}`,
    ffn_down_shexp: `${at}.${EXPERT_PARTS.down}`,
  };
}

/** Matrices whose rows llama.cpp's converter reorders as those of Llama. */
export function turned(facts: Facts, { heads, kvHeads }: Sizes): Layout['block'] {
  return { attn_q: unpermuted('self_attn.q_proj', heads, facts), attn_k: unpermuted('self_attn.k_proj', kvHeads, facts) };
}

/** Whether queries of the first block have a bias. */
export function hasBias(facts: Facts, stem = 'attn_q'): boolean {
  return facts.has(`blk.0.${stem}.bias`) || (stem === 'attn_q' && facts.has('blk.0.attn_qkv.bias'));
}

/** Splits a matrix of queries, keys and values into three. */
export function splitProjections(facts: Facts, { heads, kvHeads, headDim }: Sizes): Expand {
  return split(
    [
      ['self_attn.q_proj', heads * headDim],
      ['self_attn.k_proj', kvHeads * headDim],
      ['self_attn.v_proj', kvHeads * headDim],
    ],
    facts,
  );
}

/** Llama's tensors outside the blocks. */
export const LLAMA_TOP = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' } as const;

/** Llama's tensors within a block. */
export const LLAMA_BLOCK = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
} as const;

/** A layout with Llama's names, and these differences in its blocks. */
export function llamaLayout(block: Layout['block']): Layout {
  return { top: LLAMA_TOP, blocks: 'model.layers', block: { ...LLAMA_BLOCK, ...block } };
}

type ExpertNames = Readonly<Record<'gate' | 'up' | 'down', string>>;

/** Hugging Face's usual names of an expert's matrices. */
const EXPERT_PARTS: ExpertNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };

/** A convolution's kernel: a matrix in the file, [channels, 1, size] in Hugging Face's layout. */
export const convolutionKernel = (name: string): Expand => shaped(name, ([channels = 0, size = 0]) => [channels, 1, size]);

/** Which layers hold a tensor, in the words of config.json. */
export function kindsByTensor(
  facts: Facts,
  { layers }: Sizes,
  tensor: string,
  [with_, without]: readonly [string, string],
): readonly string[] {
  return Array.from({ length: layers }, (_, layer) => (facts.has(`blk.${layer}.${tensor}`) ? with_ : without));
}
