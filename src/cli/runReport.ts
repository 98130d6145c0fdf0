import { basename } from 'node:path';
import { answer } from '../analysis/answers.ts';
import { explain } from '../analysis/explain.ts';
import { bytesText } from '../core/bytesText.ts';
import type { Explanation } from '../core/trace.ts';
import { collectAnswers } from '../report/collectAnswers.ts';
import { comparisonQuestions, type ReportChoice } from '../report/reportQuestions.ts';
import { openAnalysis } from './analysis.ts';
import { compareSide, type Side } from './comparedSide.ts';
import type { CompareWith } from './compareWith.ts';
import { readInput, type Note } from './input.ts';
import { checkPosition } from './optionValues.ts';
import { openOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import { readRecipe } from './recipeOption.ts';
import type { ReportOptions } from './reportOptions.ts';
import { CANDIDATES, refuseTerminal, reportBytes, shownIn } from './writtenReport.ts';

/** What the other text of a comparison is called where it has no file. */
const OTHER_TEXT = 'second text';

/** Explains a text and writes what happened as a page that opens anywhere. Throws UserError or UsageError. */
export async function report(options: ReportOptions, distFolder: string, note: Note): Promise<void> {
  refuseTerminal(options);
  const recipe = await readRecipe(options);
  const text = await readInput(options.input, note);
  const line = progressLine();
  const context = await openAnalysis(options, distFolder, note, ({ stage }) => line.tell(stage));
  const { name } = context.open.model.info;
  const output = await openOutput(options.output);
  try {
    const explanation = await explain(context, {
      text,
      topK: CANDIDATES,
      chat: options.chat,
      ...(recipe.recipe.length === 0 ? {} : { recipe: recipe.recipe }),
    });
    const shown = shownIn(options, explanation);
    for (const notice of shown.notices) await note(notice);
    const first: Side = { context, explanation };
    const compared =
      options.with === null
        ? null
        : await compareSide(
            first,
            shown,
            { options, with: options.with, recipe: recipe.recipe, label: otherLabel(options.with) },
            distFolder,
            note,
          );
    const choice = choiceOf(options, explanation);
    const answers = await collectAnswers(
      shown,
      choice,
      compared === null ? [] : comparisonQuestions(explanation, compared.comparison.explanation, choice),
      (question, args, side) => {
        const of = side === 'second' && compared !== null ? compared.side : first;
        return answer(of.context, of.explanation.run, question, args);
      },
      (done, total) => line.tell(`${name}: ${done} of ${total} questions`),
    );
    const files = await answer(context, explanation.run, 'fileMarks', {});
    const settings = { selected: choice.tokens[0] ?? 0 };
    const bytes = await reportBytes(
      { shown, comparison: compared?.comparison ?? null, answers, choice, files, settings, notes: [] },
      distFolder,
    );
    line.clear();
    await output.write(bytes);
    await note(`${explanation.tokens.length} tokens, ${answers.length} answers of ${name}: ${bytesText(bytes.length)}.`);
  } catch (error) {
    line.clear();
    await output.abandon();
    throw error;
  }
  await output.finish();
}

function choiceOf({ parts, positions }: ReportOptions, { tokens, model }: Explanation): ReportChoice {
  for (const position of positions ?? []) checkPosition(position, tokens.length);
  // A layer in the middle has read the text and not yet written the answer.
  const layer = Math.floor(model.layers / 2);
  return { parts, tokens: positions ?? [tokens.length - 1], layer, head: 0, embeddingLayer: model.layers };
}

function otherLabel(other: CompareWith): string {
  return other.kind === 'text' && other.input.kind === 'file' ? basename(other.input.path) : OTHER_TEXT;
}
