import { CancelledError } from '../../core/errors.ts';
import { checkSameTokens, differencesOf, requestOf } from '../../report/readAgain.ts';
import type { Report } from '../../report/report.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { sideDivergence, type ComparedSide } from '../explain/sideDivergence.ts';
import type { ExplainPanel } from '../panel/explainPanel.ts';
import { t } from '../say.ts';
import { withProgress } from '../surfaces.ts';
import { questionsTeller } from './questionsTeller.ts';

/** Models that read a report again. */
export interface ReadingModels {
  /** Of the settings. */
  readonly client: ModelClient;
  /** A client of the model that has this name, which is disposed by whoever asks; undefined: there is no such model here. */
  readonly named: (name: string) => Promise<ModelClient | undefined>;
}

/**
 * Reads a report again with the model of the settings, and a comparison with another model by that one, and tells the page how far the
 * numbers are apart. `name`: what the report is called. Cancelling tells nothing.
 */
export async function readAgain({ client, named }: ReadingModels, report: Report, name: string, panel: ExplainPanel): Promise<void> {
  await withProgress(t('Reading {0} again', name), async (view, cancelled) => {
    const closed = new AbortController();
    panel.onDidEnd(() => closed.abort());
    const signal = AbortSignal.any([cancelled, closed.signal]);
    const { comparison } = report;
    const other = comparison === null || comparison.kind === 'text' ? client : await named(comparison.explanation.model.name);
    try {
      const read = async (by: ModelClient, kept: Report['shown']['explanation']): Promise<ComparedSide> => {
        const explained = await by.explain(requestOf(kept), signal, () => undefined);
        checkSameTokens(kept, explained.explanation, name);
        return { client: by, ...explained };
      };
      const first = await read(client, report.shown.explanation);
      const second = comparison === null || other === undefined ? null : await read(other, comparison.explanation);
      const differences = await differencesOf(
        report,
        {
          first: first.explanation,
          second: second?.explanation ?? null,
          ask: (question, args, side) => {
            const { client: of, modelKey, explanation } = side === 'second' && second !== null ? second : first;
            return of.ask(modelKey, explanation.run, question, args, signal);
          },
          divergence: sideDivergence(first, second ?? first, signal),
        },
        questionsTeller(view, signal),
      );
      const leftOut = comparison !== null && second === null ? comparison.explanation.model.name : null;
      panel.post({ type: 'readAgain', model: first.explanation.model.name, differences, leftOut });
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    } finally {
      if (other !== client) other?.dispose();
    }
  });
}
