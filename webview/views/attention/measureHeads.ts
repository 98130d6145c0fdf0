import { CancelledError } from '../../../src/core/errors.ts';
import type { ShownExplanation } from '../../../src/protocol/messages.ts';
import type { PanelContext } from '../../context.ts';
import { question, type Question } from '../../question.ts';
import type { Host } from '../../vscodeApi.ts';

/**
 * Asks for the heads of the text on show: some layers after others, each told to the store when it is known. No more of them are asked
 * for once another view is open, which has questions of its own; the rest come when this one is opened again. `begun` is told of the
 * asking, which ends when all are known, cannot be, or are left.
 */
export function measureHeads(
  context: PanelContext,
  busy: () => HTMLElement,
  begun: (measuring: Promise<unknown>) => void,
): Question<object> {
  const { store } = context;
  const known = (): number => store.state().heads?.layers ?? 0;
  const measure = async (shown: ShownExplanation, query: Host['query']): Promise<object> => {
    try {
      while (known() < shown.explanation.model.layers) {
        if (store.state().settings.tab !== 'attention') throw new CancelledError();
        store.dispatch({ type: 'heads', of: shown, part: await query('heads', 'heads', { layer: known() }) });
      }
      return {};
    } catch (error) {
      if (!(error instanceof CancelledError)) store.dispatch({ type: 'heads', of: shown, part: null });
      throw error;
    }
  };
  return question<object>(context, {
    busy,
    parts: [],
    ask: async ({ shown }, query) => {
      if (shown === null) return '';
      const measuring = measure(shown, query);
      begun(measuring);
      return measuring;
    },
  });
}
