import { deepseek2 } from './deepseek.ts';
import { qwen35, qwen35moe, qwen3next } from './deltaNets.ts';
import { ernie45moe, glm4moe, gptOss, llama4 } from './expertModels.ts';
import { gemma, gemma2, gemma3 } from './gemma.ts';
import { gemma3n } from './gemma3n.ts';
import { gemma4 } from './gemma4.ts';
import { gpt2, gptneox, starcoder2 } from './gpt.ts';
import { cohere2, commandR, nemotron, olmo } from './layerNormModels.ts';
import { lfm2 } from './lfm2.ts';
import { granite, graniteMoe, llama } from './llama.ts';
import { apertus, arcee, ernie45, exaone4, hunyuan, mistral3, olmoe, seedOss, smollm3 } from './llamaLikes.ts';
import { falconH1, graniteHybrid, nemotronH } from './mambas.ts';
import { bloom, falcon, mpt, starcoder } from './olderGpts.ts';
import { glm4, olmo2, stablelm } from './others.ts';
import { phi2, phi3, phimoe } from './phi.ts';
import { qwen2, qwen2moe, qwen2vl, qwen3, qwen3moe, qwen3vl, qwen3vlmoe } from './qwen.ts';
import type { Architecture } from './common.ts';

/** Supported architectures by `general.architecture`. */
const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ['apertus', apertus],
  ['arcee', arcee],
  ['bloom', bloom],
  ['cohere2', cohere2],
  ['command-r', commandR],
  ['deepseek2', deepseek2],
  ['ernie4_5', ernie45],
  ['ernie4_5-moe', ernie45moe],
  ['exaone4', exaone4],
  ['falcon', falcon],
  ['falcon-h1', falconH1],
  ['gemma', gemma],
  ['gemma2', gemma2],
  ['gemma3', gemma3],
  ['gemma3n', gemma3n],
  ['gemma4', gemma4],
  ['glm4', glm4],
  ['glm4moe', glm4moe],
  ['gpt-oss', gptOss],
  ['gpt2', gpt2],
  ['gptneox', gptneox],
  ['granite', granite],
  ['granitehybrid', graniteHybrid],
  ['granitemoe', graniteMoe],
  ['hunyuan-dense', hunyuan],
  // InternLM 2, whose converter takes its matrix of queries, keys and values apart as Llama's.
  ['internlm2', llama],
  ['lfm2', lfm2],
  ['llama', llama],
  ['llama4', llama4],
  ['mistral3', mistral3],
  ['mpt', mpt],
  ['nemotron', nemotron],
  ['nemotron_h', nemotronH],
  ['nemotron_h_moe', nemotronH],
  ['olmo', olmo],
  ['olmo2', olmo2],
  ['olmoe', olmoe],
  ['phi2', phi2],
  ['phi3', phi3],
  ['phimoe', phimoe],
  ['qwen2', qwen2],
  ['qwen2moe', qwen2moe],
  ['qwen2vl', qwen2vl],
  ['qwen3', qwen3],
  ['qwen35', qwen35],
  ['qwen35moe', qwen35moe],
  ['qwen3moe', qwen3moe],
  ['qwen3next', qwen3next],
  ['qwen3vl', qwen3vl],
  ['qwen3vlmoe', qwen3vlmoe],
  ['seed_oss', seedOss],
  ['smollm3', smollm3],
  ['stablelm', stablelm],
  ['starcoder', starcoder],
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
