import { describe, expect, test } from 'vitest';
import { readDecoder, supportedPart } from '../../../src/model/families/families.ts';
import { textTensors } from '../../../src/model/families/wrappers.ts';
import type { StoredTensor } from '../../../src/model/formats/storedTensor.ts';

/** Stored tensors of these names. */
function stored(...names: readonly string[]): ReadonlyMap<string, StoredTensor> {
  return new Map(names.map((name) => [name, { name, dtype: 'F32', shape: [4], file: 'model.safetensors', offset: 0, length: 16 }]));
}

describe('the text part of a model that reads pictures too', () => {
  test('is what "text_config" says, with the ties and ends that the whole declares', () => {
    const nested = { model_type: 'gemma3_text', hidden_size: 48, tie_word_embeddings: true, eos_token_id: 7 };
    const part = supportedPart({ model_type: 'gemma3', tie_word_embeddings: false, eos_token_id: 5, text_config: nested });
    expect(part).toMatchObject({ family: 'gemma3_text', whole: 'gemma3', config: { path: 'text_config.' } });
    expect(part.config.values).toMatchObject({ hidden_size: 48, tie_word_embeddings: false, eos_token_id: 7 });
  });

  test('is tied where the kind is, if nothing says so', () => {
    expect(supportedPart({ model_type: 'mistral3', text_config: {} })).toMatchObject({
      family: 'mistral',
      config: { values: { tie_word_embeddings: true } },
    });
    expect(supportedPart({ model_type: 'llava', text_config: { tie_word_embeddings: true } }).config.values).toMatchObject({
      tie_word_embeddings: false,
    });
  });

  test('is beside "vision_config" in older files', () => {
    expect(supportedPart({ model_type: 'qwen2_vl', hidden_size: 48, vision_config: { hidden_size: 16 } })).toMatchObject({
      family: 'qwen2_vl_text',
      config: { path: '', values: { hidden_size: 48 } },
    });
  });

  test.each([
    [['model.language_model.embed_tokens.weight', 'lm_head.weight', 'model.visual.merger.weight', 'mtp.layers.0.norm.weight']],
    [['language_model.model.embed_tokens.weight', 'language_model.lm_head.weight', 'vision_tower.layers.0.norm.weight']],
    [['model.text_model.embed_tokens.weight', 'lm_head.weight', 'model.vision_model.norm.weight', 'model.connector.weight']],
    [['model.embed_tokens.weight', 'lm_head.weight', 'visual.blocks.0.norm1.weight']],
  ])('has the tensors of %j that are its own, under the names of a decoder alone', (names) => {
    const part = supportedPart({ model_type: 'qwen3_vl', text_config: {} });
    expect([...textTensors(stored(...names), part).keys()]).toEqual(['model.embed_tokens.weight', 'lm_head.weight']);
  });

  test('is refused by its own name where its family is not supported, and by its own option', () => {
    expect(() => supportedPart({ model_type: 'llava', text_config: { model_type: 'mamba' } })).toThrow(
      'config.json: the text part of this "llava" model is of type "mamba", which is not supported.',
    );
    expect(() => readDecoder({ model_type: 'llava', text_config: { hidden_size: 'wide' } }, stored())).toThrow(
      /"text_config\.hidden_size"/,
    );
    expect(() => readDecoder({ model_type: 'llava', text_config: [] }, stored())).toThrow(/"text_config" is not a JSON object/);
    expect(() => readDecoder({ model_type: 'llava', text_config: { quantization_config: {} } }, stored())).toThrow(
      /"text_config\.quantization_config" is set/,
    );
    expect(() => readDecoder({ model_type: 'llava', quantization_config: {}, text_config: {} }, stored())).toThrow(
      /"quantization_config" is set/,
    );
  });

  test('may not lack its own tensors or hold more of them', () => {
    const small = {
      model_type: 'llama',
      hidden_size: 4,
      num_attention_heads: 1,
      vocab_size: 1,
      num_hidden_layers: 1,
      intermediate_size: 4,
    };
    expect(() => readDecoder({ model_type: 'llava', text_config: small }, stored('vision_tower.norm.weight'))).toThrow(
      /hold no tensor "lm_head\.weight"/,
    );
  });
});
