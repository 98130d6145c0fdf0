import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, type ServedModel } from './hubServer.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const read = (...path: readonly string[]): Buffer => readFileSync(join(FIXTURES, ...path));
const config = read('models/llama/config.json');
const tokenizer = read('tokenizer/gpt2.json');

/** A model with one file of weights, of 427 kB. */
export const SINGLE: ServedModel = {
  id: 'tiny/llama',
  licence: 'apache-2.0',
  files: {
    'README.md': Buffer.from('# A model\n'),
    'config.json': config,
    'tokenizer.json': tokenizer,
    'generation_config.json': Buffer.from('{}'),
    'model.safetensors': read('models/llama/model.safetensors'),
    'pytorch_model.bin': Buffer.from('not read'),
    'onnx/model.onnx': Buffer.from('not read'),
  },
};

/** A model with three shards and their index. */
export const SHARDED: ServedModel = {
  id: 'tiny/sharded',
  files: { 'config.json': config, 'tokenizer.json': tokenizer, ...filesOf(join(FIXTURES, 'models/weights/llama_sharded')) },
};
