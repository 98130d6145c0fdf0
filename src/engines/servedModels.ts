import type { AnswerPart } from './engineAnswer.ts';
import type { EngineAbilities } from './engineApi.ts';

/** A model that a server lists. */
export interface ServedModel {
  readonly id: string;
  /** Who lists it: "vllm", "sglang", "llamacpp" and the like; empty where nobody is named. */
  readonly owner: string;
  readonly contextLength: number | null;
  readonly parameters: number | null;
}

/** Of an engine that tells and takes ids and scores a prompt at once, with so many alternatives at most. */
export function promptAbilities({ contextLength }: ServedModel, alternatives: number): EngineAbilities {
  return { scores: 'prompt', alternatives, ids: true, takesIds: true, contextLength, parameters: null };
}

/** Fields in which servers tell the tokens that a model reads at once. */
const CONTEXT = [['max_model_len'], ['context_length'], ['loaded_context_length'], ['max_context_length'], ['meta', 'n_ctx_train']];

/** The models of /v1/models. */
export function servedModels(answer: AnswerPart): readonly ServedModel[] {
  return answer
    .at('data')
    .list()
    .map((model) => {
      const context = CONTEXT.map((path) => model.at(...path)).find(({ value }) => typeof value === 'number');
      const [owner, parameters] = [model.at('owned_by'), model.at('meta', 'n_params')];
      return {
        id: model.at('id').text(),
        owner: typeof owner.value === 'string' ? owner.value : '',
        contextLength: context?.number() ?? null,
        parameters: typeof parameters.value === 'number' ? parameters.number() : null,
      };
    });
}
