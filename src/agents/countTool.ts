import { modelTool } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { textArgument } from './toolArguments.ts';

/** Longest text that is counted. */
const MOST_COUNTED = 5_000_000;

/** How many tokens a text is. */
export const countTool = modelTool(
  {
    name: 'count_tokens',
    title: 'Count tokens',
    description:
      'How many tokens a text is to a local model, without those that its tokenizer adds around it. atLeast: true where only the ' +
      'beginning was counted.',
  },
  { text: textArgument('The text.', MOST_COUNTED) },
  async (model, { text }) => {
    const { count, atLeast } = await model.countTokens(text);
    return answerOf({ tokens: count, characters: text.length, ...(atLeast ? { atLeast } : {}) });
  },
);
