import type { FileMark } from '../core/fileMark.ts';
import type { ShownComparison, ShownExplanation, TextSource } from '../protocol/messages.ts';
import type { Note } from './notes.ts';
import { REPORT_FORMAT, REPORT_VERSION, type KeptAnswer, type Report } from './report.ts';
import type { ReportChoice } from './reportQuestions.ts';

/** What a report is made of. */
export interface ReportContent {
  readonly shown: ShownExplanation;
  readonly comparison: ShownComparison | null;
  readonly answers: readonly KeptAnswer[];
  readonly choice: ReportChoice;
  /** By what the model's files of weights are known again. */
  readonly files: readonly FileMark[];
  /** The panel's view settings. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly notes: readonly Note[];
}

/** A report made now by this version of the product. Of where texts and models lie on this machine it says nothing but their names. */
export function makeReport(
  { shown, comparison, answers, choice, files, settings, notes }: ReportContent,
  product: string,
  now: Date,
): Report {
  const { explanation } = shown;
  const { name, family, runtime } = explanation.model;
  return {
    head: {
      format: REPORT_FORMAT,
      version: REPORT_VERSION,
      product,
      created: now.toISOString(),
      model: { name, family, runtime, files: files.map((mark) => ({ ...mark })) },
      text: explanation.text,
      ids: [...explanation.run.ids],
      recipe: explanation.run.recipe,
      kept: [...choice.parts],
      tokens: [...choice.tokens],
      notes: [...notes],
      // The head of which most is kept is the one on show, and stays so when the tab Attention is opened.
      settings: { ...settings, layer: choice.layer, head: choice.head, headChosen: true },
    },
    shown: withoutPlaces(shown),
    comparison: comparison === null ? null : { ...withoutPlaces(comparison), model: comparison.model === null ? null : nameIn(comparison) },
    answers,
  };
}

/** What is shown without the paths and addresses that a reader of the report has no use for. */
function withoutPlaces<Shown extends Pick<ShownExplanation, 'source' | 'explanation'>>(shown: Shown): Shown {
  const { adapterOn: _path, nativeFailure: _failure, ...known } = shown.explanation.model;
  const model = known.served === undefined ? known : { ...known, served: { ...known.served, address: '' } };
  return { ...shown, source: withoutUri(shown.source), explanation: { ...shown.explanation, model } };
}

function withoutUri({ label }: TextSource): TextSource {
  return { uri: '', start: 0, end: 0, label };
}

function nameIn({ explanation }: ShownComparison): string {
  return explanation.model.name;
}
