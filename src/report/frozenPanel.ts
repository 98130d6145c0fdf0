import { msg, translated, type Translate } from '../core/translatable.ts';
import type { HostMessage, PanelMessage, ShownReport } from '../protocol/messages.ts';
import { keptAnswers } from './keptAnswers.ts';
import { isKeptTab } from './keptTabs.ts';
import type { Report } from './report.ts';

/** The language of a page. */
export interface PageLanguage {
  /** BCP 47 tag. */
  readonly language: string;
  /** Translations of English texts; empty for English. */
  readonly strings: Readonly<Record<string, string>>;
  readonly translate: Translate;
}

/** What a page can do with a report beyond showing it. */
export type ReportUses = Pick<ShownReport, 'readsAgain' | 'keepsNotes'>;

/** Stands in for the model behind a panel that shows a report. */
export interface FrozenPanel {
  /** What the page is told in answer to a message of its own. */
  readonly receive: (message: PanelMessage) => readonly HostMessage[];
}

/**
 * Answers a page from a report alone: what is kept is told, and of everything else it is said that it is not.
 */
export function frozenPanel({ head, shown, comparison, answers }: Report, page: PageLanguage, uses: ReportUses): FrozenPanel {
  const kept = keptAnswers(answers);
  const { language, strings, translate } = page;
  const { product, created, notes, settings } = head;
  const greeting: readonly HostMessage[] = [
    {
      type: 'init',
      strings,
      language,
      follows: true,
      report: { product, created, ...uses },
      view: { ...settings, notes, ...(isKeptTab(settings['tab'], comparison !== null) ? {} : { tab: 'tokens' }) },
    },
    { type: 'explanation', shown },
    ...(comparison === null ? [] : [{ type: 'comparison', comparison } as const]),
  ];
  return {
    receive: (message) => {
      switch (message.type) {
        case 'ready':
          return greeting;
        case 'query': {
          const { id, serial, query, side } = message;
          const found = kept.find(query, side);
          if (found !== undefined && 'result' in found)
            return [{ type: 'reply', id, serial, result: found.result as Extract<HostMessage, { type: 'reply' }>['result'] }];
          return [{ type: 'replyError', id, message: found?.failure ?? translated(msg`Not kept in this report.`, translate) }];
        }
        case 'surprisalScale':
          return [{ type: 'surprisalScale', scale: message.scale }];
        case 'chat':
        case 'recipe':
        case 'window':
        case 'importRecipe':
        case 'openVector':
        case 'saveVector':
        case 'compareAgain':
        case 'insertGenerated':
        case 'explainGenerated':
        case 'command':
          return [{ type: 'needsModel' }];
        default:
          return [];
      }
    },
  };
}
