import { addPart, fileTotals, nextPart, partQuestion, shareRead, unreadScores } from '../core/fileScores.ts';
import { meanScores } from '../core/scoringWindows.ts';
import { surpriseList } from '../core/surpriseList.ts';
import { bitsPerByte } from '../core/textScores.ts';
import { modelTool, sentTo, stopIfAborted } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { choiceArgument, textArgument } from './toolArguments.ts';

/** Longest text that is scored. */
const MOST_SCORED = 500_000;
/** Parts listed at most. */
const MOST_PARTS = 100;

/** How surprising a text is to a model, as a whole and in its parts. */
export const scoreTool = modelTool(
  {
    name: 'score_text',
    title: 'Score a text',
    description:
      'How well a local language model predicts a text: bits per byte and perplexity of the whole (lower is more predictable), and, ' +
      'by token, word, line or paragraph, the parts that surprise it most. Texts longer than the model’s context are read in windows.',
  },
  {
    text: textArgument('The text.', MOST_SCORED),
    by: choiceArgument(
      'Parts to list, the one with most bits first; text: none, the totals alone.',
      ['text', 'token', 'word', 'line', 'paragraph'],
      'text',
    ),
  },
  async (model, { text, by }, call) => {
    call.tell('Making tokens');
    const layout = await model.layOut(text, null);
    const scores = unreadScores(layout);
    for (let part = nextPart(scores, 0); part !== null; part = nextPart(scores, 0)) {
      stopIfAborted(call);
      const { run, args } = partQuestion(scores, part);
      addPart(scores, part, await model.ask(run, 'scores', args));
      call.tell(`Reading the text: ${Math.floor(100 * shareRead(scores))} %`);
    }
    const totals = fileTotals(scores);
    const { perplexity } = meanScores(scores);
    const left = text.length - layout.read;
    const head = {
      model: layout.model.name,
      ...sentTo(layout.model),
      ...totals,
      tokens: layout.tokens.ids.length,
      bitsPerByte: bitsPerByte(totals),
      perplexity,
      ...(left > 0 ? { charactersNotRead: left } : {}),
    };
    if (by === 'text') return answerOf(head);
    const parts = surpriseList(text, scores, [], { unit: by, order: 'total', filter: '' }, MOST_PARTS);
    return answerOf(head, {
      mostSurprising: parts.map((part) => ({
        text: part.name,
        start: part.start,
        end: part.end,
        bits: part.bits,
        bitsPerByte: bitsPerByte(part),
      })),
    });
  },
);
