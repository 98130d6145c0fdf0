import { deepseek2 } from './deepseek.ts';
import { gemma, gemma2, gemma3 } from './gemma.ts';
import { gpt2, gptneox, starcoder2 } from './gpt.ts';
import { granite, llama } from './llama.ts';
import { arcee, cohere2, ernie45, exaone4, olmoe, seedOss, smollm3 } from './llamaLikes.ts';
import { glm4, olmo2, stablelm } from './others.ts';
import { phi2, phi3 } from './phi.ts';
import { qwen2, qwen2moe, qwen3, qwen3moe } from './qwen.ts';
import type { Architecture } from './common.ts';

/** Supported architectures by `general.architecture`. */
const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ['arcee', arcee],
  ['cohere2', cohere2],
  ['deepseek2', deepseek2],
  ['ernie4_5', ernie45],
  ['exaone4', exaone4],
  ['gemma', gemma],
  ['gemma2', gemma2],
  ['gemma3', gemma3],
  ['glm4', glm4],
  ['gpt2', gpt2],
  ['gptneox', gptneox],
  ['granite', granite],
  ['llama', llama],
  ['olmo2', olmo2],
  ['olmoe', olmoe],
  ['phi2', phi2],
  ['phi3', phi3],
  ['qwen2', qwen2],
  ['qwen2moe', qwen2moe],
  ['qwen3', qwen3],
  ['qwen3moe', qwen3moe],
  ['seed_oss', seedOss],
  ['smollm3', smollm3],
  ['stablelm', stablelm],
  ['starcoder2', starcoder2],
]);

/** How files of an architecture are read; null for an unsupported one. */
export function architectureNamed(name: string): Architecture | null {
  return ARCHITECTURES.get(name) ?? null;
}

/** Names of all supported architectures. */
export function architectureNames(): readonly string[] {
  return [...ARCHITECTURES.keys()];
}
