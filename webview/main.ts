import './style.css';
import type { HostMessage } from '../src/protocol/messages.ts';
import type { PanelContext, View } from './context.ts';
import { loadPlots } from './loadPlots.ts';
import { mark, markDrawn } from './marks.ts';
import { el } from './parts/dom.ts';
import { setFileTaker } from './parts/fileSaving.ts';
import { setLanguage } from './parts/format.ts';
import { createSaver } from './saving.ts';
import { createStore, initialState, isOutdated, type Store } from './state.ts';
import { setStrings, t } from './strings.ts';
import { watchTheme, type Theme } from './theme.ts';
import { createAttentionTeller } from './views/attention/editorAttention.ts';
import { createTooltip } from './parts/tooltip.ts';
import { createNotes } from './parts/noteBar.ts';
import { createHeader, createStaleBanner } from './parts/panelHeader.ts';
import { createRefusal, createStatus } from './parts/status.ts';
import { createRecipeBand } from './parts/recipeBand.ts';
import { createReportBand } from './parts/reportBand.ts';
import { createReadingStrip } from './parts/readingStrip.ts';
import { createPathStrip } from './stations/pathStrip.ts';
import { createTabs } from './parts/tabs.ts';
import { explainTerms } from './parts/terms.ts';
import { createWindowBar } from './parts/windowBar.ts';
import { createTokenStrip } from './parts/tokenStrip.ts';
import { createHost, type Host, type VsCodeApi } from './vscodeApi.ts';

declare function acquireVsCodeApi(): VsCodeApi;

/** Builds the page once the display language is known, and updates it with every new state. */
function start(api: VsCodeApi): void {
  mark('script');
  const host = createHost(api);
  let store: Store | undefined;
  let theme: Theme | undefined;
  /** Messages received before there is anything to show; until then the page keeps the text it opened with. */
  let waiting: HostMessage[] | undefined = [];
  /** Settings of a page that has kept none. */
  let view: unknown;
  watchTheme(document, (next) => {
    theme = next;
    store?.dispatch({ type: 'theme', theme: next });
  });
  window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => {
    if (data.type === 'init') {
      setStrings(data.strings);
      setLanguage(data.language);
      document.documentElement.lang = data.language;
      view = data.view;
    }
    host.receive(data);
    if (data.type === 'tellView') return host.post({ type: 'view', view: store?.state().settings });
    waiting?.push(data);
    if (waiting !== undefined && !tellsMore(data)) return;
    if (theme !== undefined) store ??= buildPage(host, api, theme, view);
    for (const message of waiting ?? [data]) {
      store?.dispatch({ type: 'host', message });
      markShown(message);
    }
    waiting = undefined;
  });
  host.post({ type: 'ready' });
}

/** Marks the messages that a user waits for, once the page shows what they tell. */
function markShown(message: HostMessage): void {
  if (message.type === 'progress' && message.tokens) markDrawn('tokens');
  if (message.type !== 'explanation') return;
  mark('explanation');
  markDrawn('picture');
  // Most other views have figures: what draws them comes when the first text is on screen.
  requestAnimationFrame(() => setTimeout(() => void loadPlots().catch(() => undefined)));
}

/** Whether the page can be built once this message has arrived. */
function tellsMore(message: HostMessage): boolean {
  switch (message.type) {
    case 'init':
      return !message.follows;
    case 'explanation':
    case 'progress':
    case 'failure':
    case 'cancelled':
      return true;
    default:
      return false;
  }
}

function buildPage(host: Host, api: VsCodeApi, theme: Theme, view: unknown): Store {
  const views: View[] = [];
  const page = el('main', { class: 'page' });
  const tellAttention = createAttentionTeller(host);
  const save = createSaver((kept) => api.setState(kept));
  setFileTaker({
    save: (name, content) => host.post({ type: 'saveFile', name, content }),
    copy: (text) => {
      host.post({ type: 'copy', text });
      context.announce(t('Copied'));
    },
  });
  const store = createStore(initialState(theme, api.getState() ?? (view === undefined ? undefined : { version: 1, view })), (state) => {
    for (const view of views) view.update(state);
    page.classList.toggle('outdated', isOutdated(state));
    page.classList.toggle('in-report', state.report !== null);
    save(state);
    tellAttention(state);
  });
  const live = el('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  const context: PanelContext = {
    host,
    store,
    tooltip: createTooltip(document.body),
    announce: (text) => {
      live.textContent = text;
    },
  };
  views.push(createHeader(context), createWindowBar(context), createStatus(context), createRefusal(context), createStaleBanner(context));
  views.push(createReportBand(context), createRecipeBand(context));
  const notes = createNotes(context);
  views.push(createReadingStrip(), createTokenStrip(context, notes.button), notes, createPathStrip(context), createTabs(context));
  (document.getElementById('root') ?? document.body).replaceChildren(live, page);
  page.append(...views.map((view) => view.root));
  explainTerms(page, context.tooltip);
  for (const view of views) view.update(store.state());
  return store;
}

start(acquireVsCodeApi());
