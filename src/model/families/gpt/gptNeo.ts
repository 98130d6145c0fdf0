import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, eitherCount, flag, list, optionalCount, positive, refuse, text, value, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/** GPT-Neo: GPT-2 with separate projections, unscaled scores, and layers with a window. */
export function gptNeo(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 2048);
  const heads = eitherCount(config, 'num_heads', 'num_attention_heads', 16);
  const layers = eitherCount(config, 'num_layers', 'num_hidden_layers', 24);
  const positions = count(config, 'max_position_embeddings', 2048);
  const inner = optionalCount(config, 'intermediate_size', 4 * dim);
  const vocab = count(config, 'vocab_size', 50_257);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const window = count(config, 'window_size', 256);
  const local = localLayers(config, layers);
  const activation = activationNamed(text(config, 'activation_function', 'gelu_new'), 'activation_function');
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);

  const prefix = tensors.has('ln_f.weight') ? '' : 'transformer.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, epsilon);
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}wte.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const table = tensors.weight(`${prefix}wpe.weight`, [positions, dim]);
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}h.${layer}`;
    const attention = (name: string, bias: boolean) => tensors.linear(`${at}.attn.attention.${name}`, dim, dim, bias);
    return {
      ...PLAIN_BLOCK,
      attentionNorms: preNorm(norm(`${at}.ln_1`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'separate', q: attention('q_proj', false), k: attention('k_proj', false), v: attention('v_proj', false) },
        scale: 1,
        window: local(layer) ? window : null,
        output: attention('out_proj', true),
      },
      mlpNorms: preNorm(norm(`${at}.ln_2`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.mlp.c_fc`, dim, inner, true),
        down: tensors.linear(`${at}.mlp.c_proj`, inner, dim, true),
        activation,
      },
    };
  });
  return {
    ...PLAIN_DECODER,
    heads,
    kvHeads: heads,
    headDim: dim / heads,
    valueDim: dim / heads,
    dim,
    vocab,
    contextLength: positions,
    embedding,
    positions: { kind: 'learned', table, offset: 0 },
    blocks,
    finalNorm: norm(`${prefix}ln_f`),
    unembed,
  };
}

function isKind(item: unknown): item is 'global' | 'local' {
  return item === 'global' || item === 'local';
}

/** `attention_layers`, a kind for each layer, or `attention_types`, lists of kinds with how often each is repeated. */
function localLayers(config: Options, layers: number): (layer: number) => boolean {
  const given = list(config, 'attention_layers', layers, isKind, msg`"global" and "local"`);
  if (given !== null) return (layer) => given[layer] === 'local';
  const types = value(config, 'attention_types') ?? [[['global', 'local'], 12]];
  const invalid = (): never =>
    refuse(config, 'attention_types', msg`must be a list of kinds ("global", "local") and how often they are repeated`);
  if (!Array.isArray(types)) return invalid();
  const runs: { readonly kinds: readonly unknown[]; readonly from: number; readonly to: number }[] = [];
  let described = 0;
  for (const item of types as readonly unknown[]) {
    const [kinds, repeats] = Array.isArray(item) ? (item as readonly unknown[]) : [];
    if (!Array.isArray(kinds) || typeof repeats !== 'number' || !Number.isSafeInteger(repeats) || repeats < 0) return invalid();
    if (!kinds.every(isKind)) return invalid();
    const from = described;
    described += kinds.length * repeats;
    runs.push({ kinds, from, to: described });
  }
  if (described !== layers) refuse(config, 'attention_types', msg`describes ${described} layers of ${layers}`);
  return (layer) => {
    const run = runs.find(({ from, to }) => layer >= from && layer < to);
    return run?.kinds[(layer - run.from) % run.kinds.length] === 'local';
  };
}
