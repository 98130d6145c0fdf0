import type { Inert } from '../../core/inertText.ts';
import { t } from '../say.ts';

/** A suggested model. Parameters and licence are those of its page; the hub gives the exact size before a download. */
export interface SuggestedModel {
  readonly id: string;
  readonly name: string;
  readonly parameters: string;
  /** Approximate size of the download. */
  readonly bytes: number;
  readonly licence: string;
  /** Sentence about what the model is good for. */
  readonly goodFor: Inert;
}

const MB = 1e6;

/** Suggested models in groups, the usual first choice first. */
export function suggestedModels(): readonly { readonly title: Inert; readonly models: readonly SuggestedModel[] }[] {
  return [
    {
      title: t('To begin with'),
      models: [
        {
          id: 'openai-community/gpt2',
          name: 'GPT-2',
          parameters: '124M',
          bytes: 550 * MB,
          licence: 'MIT',
          goodFor: t('Most explanations are about it: learned positions, 12 layers of 12 heads.'),
        },
        {
          id: 'HuggingFaceTB/SmolLM2-135M',
          name: 'SmolLM2',
          parameters: '135M',
          bytes: 271 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Small and recent: rotary positions, shared keys and values, 30 thin layers.'),
        },
        {
          id: 'Qwen/Qwen3-0.6B',
          name: 'Qwen3',
          parameters: '0.6B',
          bytes: 1515 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Many languages with Chinese, code, and chat that thinks first.'),
        },
      ],
    },
    {
      title: t('Growing in size'),
      models: [
        {
          id: 'EleutherAI/pythia-14m',
          name: 'Pythia 14M',
          parameters: '14M',
          bytes: 55 * MB,
          licence: 'Apache-2.0',
          goodFor: t('The smallest of a series trained on the same data in the same order.'),
        },
        {
          id: 'EleutherAI/pythia-70m',
          name: 'Pythia 70M',
          parameters: '70M',
          bytes: 170 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Five times the smallest.'),
        },
        {
          id: 'EleutherAI/pythia-160m',
          name: 'Pythia 160M',
          parameters: '160M',
          bytes: 377 * MB,
          licence: 'Apache-2.0',
          goodFor: t('As wide and deep as GPT-2, with rotary positions.'),
        },
        {
          id: 'EleutherAI/pythia-410m',
          name: 'Pythia 410M',
          parameters: '410M',
          bytes: 913 * MB,
          licence: 'Apache-2.0',
          goodFor: t('24 layers: compare it with the smaller ones.'),
        },
      ],
    },
    {
      title: t('Names that everybody knows, in 8 GB'),
      models: [
        {
          id: 'unsloth/Llama-3.2-1B',
          name: 'Llama 3.2',
          parameters: '1.2B',
          bytes: 2490 * MB,
          licence: 'Llama 3.2',
          goodFor: t('Meta’s small Llama, in a copy that needs no access token.'),
        },
        {
          id: 'zai-org/glm-edge-1.5b-chat',
          name: 'GLM-Edge',
          parameters: '1.6B',
          bytes: 3200 * MB,
          licence: 'GLM-4',
          goodFor: t('GLM for small machines: Chinese and English chat.'),
        },
        {
          id: 'unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF',
          name: 'DeepSeek R1 Distill',
          parameters: '1.5B',
          bytes: 1120 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Taught by DeepSeek R1 to think before it answers; take Q4_K_M.'),
        },
        {
          id: 'TheBloke/Mistral-7B-v0.1-GGUF',
          name: 'Mistral 7B',
          parameters: '7B',
          bytes: 4370 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Seven billion parameters: 32 layers of 32 heads that share 8 keys; take Q4_K_M.'),
        },
      ],
    },
    {
      title: t('For something in particular'),
      models: [
        {
          id: 'distilbert/distilgpt2',
          name: 'DistilGPT-2',
          parameters: '82M',
          bytes: 355 * MB,
          licence: 'Apache-2.0',
          goodFor: t('GPT-2 with half of its layers, taught by it: compare the two.'),
        },
        {
          id: 'HuggingFaceTB/SmolLM2-135M-Instruct',
          name: 'SmolLM2 Instruct',
          parameters: '135M',
          bytes: 271 * MB,
          licence: 'Apache-2.0',
          goodFor: t('SmolLM2 taught to answer: compare what teaching changed, or chat.'),
        },
        {
          id: 'HuggingFaceTB/SmolLM2-360M',
          name: 'SmolLM2 360M',
          parameters: '360M',
          bytes: 727 * MB,
          licence: 'Apache-2.0',
          goodFor: t('A larger SmolLM2: what does it know that the small one does not?'),
        },
        {
          id: 'Qwen/Qwen2.5-Coder-0.5B',
          name: 'Qwen2.5 Coder',
          parameters: '0.5B',
          bytes: 1000 * MB,
          licence: 'Apache-2.0',
          goodFor: t('Source code in many programming languages.'),
        },
        {
          id: 'EleutherAI/gpt-neo-125m',
          name: 'GPT-Neo',
          parameters: '125M',
          bytes: 530 * MB,
          licence: 'MIT',
          goodFor: t('Every second layer attends to the last 256 tokens only.'),
        },
        {
          id: 'ibm-granite/granite-4.0-h-350m',
          name: 'Granite 4.0 H',
          parameters: '340M',
          bytes: 681 * MB,
          licence: 'Apache-2.0',
          goodFor: t('A hybrid: most layers keep a state of fixed size (Mamba 2) in place of attention.'),
        },
        {
          id: 'bigscience/bloom-560m',
          name: 'BLOOM',
          parameters: '560M',
          bytes: 1135 * MB,
          licence: 'BigScience RAIL 1.0',
          goodFor: t('46 languages; positions as a slope on the scores (ALiBi).'),
        },
        {
          id: 'google/gemma-3-270m',
          name: 'Gemma 3',
          parameters: '270M',
          bytes: 570 * MB,
          licence: 'Gemma',
          goodFor: t('262,144 tokens; needs your consent on its page and an access token.'),
        },
      ],
    },
  ];
}
