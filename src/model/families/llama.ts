import { activationNamed } from './activations.ts';
import { count, flag, optionalCount, positive, refuse, text, type Options } from './config.ts';
import { readRope } from './rope.ts';
import type { Block, DecoderSpec, Norm } from './spec.ts';
import { embeddingPair, type Tensors } from './tensors.ts';

/** Llama 1 to 3 and what shares its `model_type`: defaults and names of transformers' LlamaConfig and LlamaForCausalLM. */
export function llama(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 4096);
  const heads = count(config, 'num_attention_heads', 32);
  const kvHeads = optionalCount(config, 'num_key_value_heads', heads);
  const headDim = optionalCount(config, 'head_dim', Math.floor(dim / heads));
  const inner = count(config, 'intermediate_size', 11_008);
  const layers = count(config, 'num_hidden_layers', 32);
  const vocab = count(config, 'vocab_size', 32_000);
  const maxPositions = count(config, 'max_position_embeddings', 2048);
  const epsilon = positive(config, 'rms_norm_eps', 1e-6);
  const attentionBias = flag(config, 'attention_bias', false);
  const mlpBias = flag(config, 'mlp_bias', false);
  const tied = flag(config, 'tie_word_embeddings', false);
  const activation = activationNamed(text(config, 'hidden_act', 'silu'), 'hidden_act');
  if (dim % heads !== 0) refuse(config, 'hidden_size', `is ${dim}, which ${heads} heads do not divide`);
  if (heads % kvHeads !== 0) refuse(config, 'num_key_value_heads', `is ${kvHeads}, which does not divide ${heads} heads`);
  const rope = readRope(config, headDim, maxPositions);

  // Files saved from the bare decoder have no prefix.
  const prefix = tensors.has('norm.weight') ? '' : 'model.';
  const norm = (name: string): Norm => ({ kind: 'rms', weight: tensors.weight(`${name}.weight`, [dim]), epsilon });
  const { embedding, unembed } = embeddingPair(tensors, `${prefix}embed_tokens.weight`, 'lm_head.weight', vocab, dim, tied);
  const blocks: Block[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}layers.${layer}`;
    const attention = (name: string, input: number, output: number) => tensors.linear(`${at}.self_attn.${name}_proj`, input, output, attentionBias);
    const mlp = (name: string, input: number, output: number) => tensors.linear(`${at}.mlp.${name}_proj`, input, output, mlpBias);
    blocks.push({
      attentionNorm: norm(`${at}.input_layernorm`),
      attention: {
        projections: {
          kind: 'separate',
          q: attention('q', dim, heads * headDim),
          k: attention('k', dim, kvHeads * headDim),
          v: attention('v', dim, kvHeads * headDim),
        },
        scale: headDim ** -0.5,
        output: attention('o', heads * headDim, dim),
      },
      mlpNorm: norm(`${at}.post_attention_layernorm`),
      mlp: { kind: 'gated', gate: mlp('gate', dim, inner), up: mlp('up', dim, inner), down: mlp('down', inner, dim), activation },
    });
  }
  const contextLength = rope.scaling.kind === 'dynamic' ? Math.floor(maxPositions * rope.scaling.factor) : maxPositions;
  return { heads, kvHeads, headDim, dim, vocab, contextLength, embedding, positions: { kind: 'rotary', rope }, blocks, finalNorm: norm(`${prefix}norm`), unembed };
}
