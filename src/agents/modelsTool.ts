import { UserError } from '../core/errors.ts';
import type { AgentTool } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { readArguments, schemaOf } from './toolArguments.ts';

/** The models that an agent may name. */
export const modelsTool: AgentTool = {
  name: 'list_models',
  title: 'List models',
  description:
    'The local models that the other tools can ask, by name: the bundled one and those that the user listed. The first is used ' +
    'where none is named.',
  inputSchema: schemaOf({}),
  answer: async (models, given, { signal }) => {
    readArguments({}, given);
    const listed = await models.describe(signal);
    return answerOf(
      {},
      {
        models: listed.map(({ name, about }) => {
          if (about instanceof UserError) return { name, cannotBeUsed: about.message };
          if ('engineAt' in about) return { name, ...about };
          const { family, parameters, layers, heads, dim, vocab, contextLength, weightType } = about;
          return { name, family, parameters, layers, heads, dim, vocab, contextLength, weights: weightType };
        }),
      },
    );
  },
};
