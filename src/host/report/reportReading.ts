import { CancelledError, UserError } from '../../core/errors.ts';
import { checkSameTokens, differencesOf, requestOf } from '../../report/readAgain.ts';
import type { ModelInfo } from '../../core/trace.ts';
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
  /** A client of the model of this name, at an engine or here, which is disposed by whoever asks; undefined: the list has none. */
  readonly named: (name: string, isServed: boolean) => Promise<ModelClient | undefined>;
}

/**
 * Reads a report again with the model of the settings, and a comparison with another model by that one, and tells the page how far the
 * numbers are apart. What an engine has read is read again by an engine, and what a model here has by one here: that of the settings, or
 * else the one of the same name. `name`: what the report is called. Cancelling tells nothing.
 */
export async function readAgain({ client, named }: ReadingModels, report: Report, name: string, panel: ExplainPanel): Promise<void> {
  await withProgress(t('Reading {0} again', name), async (view, cancelled) => {
    const closed = new AbortController();
    panel.onDidEnd(() => closed.abort());
    const signal = AbortSignal.any([cancelled, closed.signal]);
    const { comparison } = report;
    const kept = report.shown.explanation.model;
    const own = client.isElsewhere === isServed(kept) ? client : await named(kept.name, isServed(kept));
    if (own === undefined) throw noReader(kept, name);
    const otherModel = comparison === null || comparison.kind === 'text' ? null : comparison.explanation.model;
    const other = otherModel === null ? own : await named(otherModel.name, isServed(otherModel));
    try {
      const read = async (by: ModelClient, kept: Report['shown']['explanation']): Promise<ComparedSide> => {
        const explained = await by.explain(requestOf(kept), signal, () => undefined);
        checkSameTokens(kept, explained.explanation, name);
        return { client: by, ...explained };
      };
      const first = await read(own, report.shown.explanation);
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
      for (const one of new Set([own, other])) if (one !== client) one?.dispose();
    }
  });
}

function isServed({ served }: ModelInfo): boolean {
  return served !== undefined;
}

/** Why nothing here can read a report again. */
function noReader({ name: model, served }: ModelInfo, name: string): UserError {
  return new UserError(
    served === undefined
      ? t('{0} holds more than an engine returns: choose a model on this machine to read it again, best {1}.', name, model)
      : t('{0} was read by {1}, served by {2}: add that engine to read it again.', name, model, served.engine),
  );
}
