import { expect, test } from 'vitest';
import { readDecoder } from '../../../src/model/families/families.ts';
import type { StoredTensor } from '../../../src/model/formats/storedTensor.ts';
import { trunkGraph } from '../../../src/model/graph/decoder.ts';

const LAYERS = 30;

/** The shape of SmolLM2-135M, without its numbers. */
function thirtyLayers() {
  const tensors = new Map<string, StoredTensor>();
  let offset = 0;
  const add = (name: string, ...shape: number[]): void => {
    const length = shape.reduce((product, dim) => product * dim, 4);
    tensors.set(name, { name, dtype: 'F32', shape, file: 'model.safetensors', offset, length });
    offset += length;
  };
  add('model.embed_tokens.weight', 49_152, 576);
  add('model.norm.weight', 576);
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `model.layers.${layer}`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) add(`${at}.${norm}.weight`, 576);
    for (const [name, width] of [
      ['q', 576],
      ['k', 192],
      ['v', 192],
      ['o', 576],
    ] as const)
      add(`${at}.self_attn.${name}_proj.weight`, width, 576);
    for (const name of ['gate', 'up']) add(`${at}.mlp.${name}_proj.weight`, 1536, 576);
    add(`${at}.mlp.down_proj.weight`, 576, 1536);
  }
  const config = {
    model_type: 'llama',
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: LAYERS,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49_152,
    tie_word_embeddings: true,
  };
  return { config, tensors };
}

test('a model of 30 layers is written without its weights', () => {
  const { config, tensors } = thirtyLayers();
  const { spec } = readDecoder(config, tensors);
  const graph = trunkGraph(spec, 0, LAYERS);
  const bytes = graph.encode(({ file, offset }) => ({ location: file, offset }));
  expect(graph.weights.size).toBe(LAYERS * 9);
  expect(bytes.length).toBeLessThan(400_000);
});
