import type { AnswerContext } from '../analysis/answering.ts';
import { answer } from '../analysis/answers.ts';
import { explain } from '../analysis/explain.ts';
import { alignTokens } from '../core/alignment.ts';
import { divergenceInParts, pairDivergence } from '../core/comparison.ts';
import { boundOf, omissionOf } from '../core/omission.ts';
import type { Recipe } from '../core/run.ts';
import type { Explanation } from '../core/trace.ts';
import { english, translated } from '../core/translatable.ts';
import type { ShownComparison, ShownExplanation, TextSource } from '../protocol/messages.ts';
import { openAnalysis } from './analysis.ts';
import type { CompareWith } from './compareWith.ts';
import { readInput, type Note } from './input.ts';
import type { RunOptions } from './optionValues.ts';

/** A text that a model has read, and the model. */
export interface Side {
  readonly context: AnswerContext;
  readonly explanation: Explanation;
}

/** KL(first || second) in bits, as `pairDivergence` has it, asked of the sides' models. */
export function divergenceOfSides(first: Side, second: Side): (a: Int32Array, b: Int32Array) => Promise<Float32Array> {
  const { context, explanation } = second;
  return pairDivergence(explanation.run, {
    divergence: (positions, other) => answer(first.context, first.explanation.run, 'divergence', { positions, other }),
    logits: context.open === first.context.open ? null : (positions) => answer(context, explanation.run, 'logits', { positions }),
  });
}

/** What the other side of a comparison is read from, and how. */
export interface Compared {
  readonly options: Pick<RunOptions, 'model' | 'runtime' | 'nativeFolder'>;
  readonly with: CompareWith;
  readonly recipe: Recipe;
  /** What the other text is called where it has no file of its own. */
  readonly label: string;
}

/** Reads the other side of a comparison, and compares the predictions of both. Throws UserError. */
export async function compareSide(
  { context, explanation: own }: Side,
  shown: Pick<ShownExplanation, 'serial' | 'source'>,
  { options, with: other, recipe, label }: Compared,
  distFolder: string,
  note: Note,
): Promise<{ readonly side: Side; readonly comparison: ShownComparison }> {
  const there = other.kind === 'text' ? context : await openAnalysis({ ...options, model: other.model }, distFolder, note, () => undefined);
  const text = other.kind === 'text' ? await readInput(other.input, note, '--with-file') : own.text;
  const explanation = await explain(there, {
    text,
    topK: own.topK,
    chat: own.chat === true,
    // Layers and heads of another model are other ones.
    ...(other.kind === 'model' || recipe.length === 0 ? {} : { recipe, recipeFor: { model: own.model.name, ids: own.run.ids } }),
  });
  const side: Side = { context: there, explanation };
  const key = ({ context: of, explanation: { run } }: Side): Promise<string> => answer(of, run, 'vocabularyKey', {});
  const sameVocabulary = other.kind === 'text' || (await key({ context, explanation: own })) === (await key(side));
  const source: TextSource = other.kind === 'text' ? { uri: '', start: 0, end: explanation.text.length, label } : shown.source;
  const notices = omissionNotices(explanation);
  for (const notice of notices) await note(notice);
  return {
    side,
    comparison: {
      serial: 1,
      with: shown.serial,
      kind: other.kind,
      source,
      model: other.kind === 'model' ? other.model : null,
      explanation,
      notices,
      sameVocabulary,
      divergence: sameVocabulary
        ? await divergenceInParts(
            alignTokens(own.tokens, explanation.tokens, true),
            own.tokens,
            explanation.tokens,
            divergenceOfSides({ context, explanation: own }, side),
          )
        : null,
    },
  };
}

/** Why the end of a text was left out. */
export function omissionNotices({ model, omitted, shortage }: Explanation): readonly string[] {
  return omitted === 0 ? [] : [translated(omissionOf(boundOf(model, shortage ?? null), omitted), english)];
}
