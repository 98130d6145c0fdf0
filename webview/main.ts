import './style.css';
import type { HostMessage } from '../src/protocol/messages.ts';
import type { PanelContext, View } from './context.ts';
import { el } from './dom.ts';
import { setLanguage } from './format.ts';
import { createStore, initialState, persisted, type Store } from './state.ts';
import { setStrings } from './strings.ts';
import { watchTheme, type Theme } from './theme.ts';
import { createTooltip } from './tooltip.ts';
import { createHeader, createStaleBanner } from './views/header.ts';
import { createStatus } from './views/status.ts';
import { createTabs } from './views/tabs.ts';
import { createTokenStrip } from './views/tokenStrip.ts';
import { createHost, type Host, type VsCodeApi } from './vscodeApi.ts';

declare function acquireVsCodeApi(): VsCodeApi;

/** Builds the page once the display language is known, and keeps it showing the newest state. */
function start(api: VsCodeApi): void {
  const host = createHost(api);
  let store: Store | undefined;
  let theme: Theme | undefined;
  watchTheme(document, (next) => {
    theme = next;
    store?.dispatch({ type: 'theme', theme: next });
  });
  window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => {
    if (data.type === 'init' && store === undefined && theme !== undefined) {
      setStrings(data.strings);
      setLanguage(data.language);
      document.documentElement.lang = data.language;
      store = buildPage(host, api, theme);
    }
    host.receive(data);
    store?.dispatch({ type: 'host', message: data });
  });
  host.post({ type: 'ready' });
}

function buildPage(host: Host, api: VsCodeApi, theme: Theme): Store {
  const views: View[] = [];
  let saving: ReturnType<typeof setTimeout> | undefined;
  const store = createStore(initialState(theme, api.getState()), (state) => {
    for (const view of views) view.update(state);
    // Not put off by every change: a generation changes the state more often than this.
    saving ??= setTimeout(() => {
      saving = undefined;
      const kept = persisted(store.state());
      if (kept !== undefined) api.setState(kept);
    }, 100);
  });
  const live = el('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  const context: PanelContext = {
    host, store,
    tooltip: createTooltip(document.body),
    announce: (text) => {
      live.textContent = text;
    },
  };
  views.push(createHeader(context), createStatus(context), createStaleBanner(context), createTokenStrip(context), createTabs(context));
  (document.getElementById('root') ?? document.body).append(el('main', { class: 'page' }, ...views.map((view) => view.root)), live);
  for (const view of views) view.update(store.state());
  return store;
}

start(acquireVsCodeApi());
