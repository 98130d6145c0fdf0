import { html, nothing, render, type TemplateResult } from 'lit-html';
import { examplesIn } from '../../src/protocol/exampleTexts.ts';
import type { PanelContext, View } from '../context.ts';
import { changeDetector, el, icon, ICONS } from '../parts/dom.ts';
import { displayLanguage } from '../parts/format.ts';
import { createMenuButton } from '../parts/menuButton.ts';
import { explained } from '../parts/terms.ts';
import { question } from '../question.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { findAt, type Finding } from './stationFindings.ts';
import { stationAfter, STATIONS, type StationName } from './stationNames.ts';
import { arriving, choiceAt } from './stationStart.ts';
import { exampleNames, stationNames, stationTexts } from './stationTexts.ts';

/** What the station on show has to say of its task. */
interface Progress {
  readonly isDone: boolean;
  /** Whether the very thing that is to be found was chosen when the station began, and is still. */
  readonly isAlready: boolean;
  /** What was found, with its numbers; empty: not found now. */
  readonly found: string;
}

/** The path: stations in the order of a token's way, each with what happens there and one thing to find. Shown when asked for. */
export function createPathStrip(context: PanelContext): View {
  const { store, host } = context;
  const names = stationNames();
  const inside = el('div', { class: 'path-inside', 'data-template': true });
  const root: HTMLElement = el('section', { class: 'path needs-model', id: 'path', 'aria-label': t('Path'), hidden: true }, inside);
  const examples = createMenuButton(t('Read an example'), t('Read an example'), () =>
    examplesIn(displayLanguage()).map((name) => ({ text: exampleNames()[name], chosen: () => host.post({ type: 'example', name }) })),
  );
  const close = el(
    'button',
    { type: 'button', class: 'button link path-close', title: t('Leave the path'), 'aria-label': t('Leave the path') },
    icon(ICONS.close),
  );
  close.addEventListener('click', () => leave());
  const run = (name: 'compareSizes' | 'downloadModel') => () => host.post({ type: 'command', name });
  const sizeButtons = html`<button type="button" class="button secondary" @click=${run('compareSizes')}>${t('More Models…')}</button>
    <button type="button" class="button secondary" @click=${run('downloadModel')}>${t('Download a Model…')}</button>`;
  const began = changeDetector();
  /** What was chosen when the station on show began, and whether that has changed since. */
  let [first, hasMoved] = ['', false];

  const go = (name: StationName): void => enterStation(context, name);
  const goOn = (name: StationName): void => {
    go(name);
    // The last station has no button to go on.
    if (document.activeElement === document.body) inside.querySelector<HTMLElement>('[aria-current="step"]')?.focus();
  };
  const leave = (): void => {
    store.dispatch({ type: 'settings', change: { pathShown: false } });
    document.getElementById('path-toggle')?.focus();
  };
  const asked = question<Finding>(context, {
    busy: () => root,
    parts: [],
    ask: (state, query) => findAt(state.settings.station, state, query),
    answered: ({ station, isFound, sentence }, { settings: { stationsDone } }) => {
      if (!isFound || !hasMoved || stationsDone.includes(station)) return;
      store.dispatch({ type: 'settings', change: { stationsDone: [...stationsDone, station] } });
      context.announce([t('Found.'), sentence].join(' '));
    },
    draw: () => draw(store.state()),
  });

  function draw({ shown, settings }: ViewState): void {
    if (shown === null) return;
    const { station, stationsDone } = settings;
    const finding = asked.answer();
    const isFound = finding?.station === station && finding.isFound;
    const isDone = stationsDone.includes(station);
    const progress = { isDone, isAlready: isFound && !isDone && !hasMoved, found: isFound && isDone ? finding.sentence : '' };
    const { about, task } = stationTexts(station, shown.explanation);
    const next = stationAfter(station);
    render(
      html`<div class="path-line">
          <nav aria-label=${t('Stations of the path')}>
            <ol class="path-stations">
              ${STATIONS.map((name, index) => stationTemplate(name, index, settings, names[name], () => go(name)))}
            </ol>
          </nav>
          ${close}
        </div>
        <div class="path-body" role="group" aria-label=${names[station]}>
          <p>${explained(about)}</p>
          ${task === '' ? nothing : taskTemplate(task, progress)} ${asked.notice}
          <div class="path-foot">
            ${examples} ${station === 'scale' ? sizeButtons : nothing}
            ${
              next === null
                ? html`<span class="muted">${t('That is the whole way.')}</span>`
                : html`<button type="button" class="button ${isDone ? 'primary' : 'secondary'}" @click=${() => goOn(next)}>
                    ${t('Next: {0}', names[next])}
                  </button>`
            }
          </div>
        </div>`,
      inside,
    );
  }

  return {
    root,
    update: (state) => {
      const { shown, settings, generation, heads, sizes } = state;
      // Its stations look at the inside, which an engine does not return.
      root.hidden = shown === null || !settings.pathShown || shown.explanation.model.served !== undefined;
      if (shown === null || root.hidden) return;
      const { station } = settings;
      const choice = choiceAt(station, settings, generation.tree);
      if (began(shown, station)) [first, hasMoved] = [choice, false];
      // Sizes that were compared before are the user's own choice too.
      hasMoved ||= choice !== first || choice === '';
      const measured = station === 'attention' ? heads : station === 'scale' ? sizes : null;
      const place = station === 'positions' ? settings.layer : station === 'vectors' ? settings.embeddingLayer : null;
      asked.update(state, shown, station, choice, measured, place, settings.selected, settings.frame);
      draw(state);
    },
  };
}

/** Goes to a station: its view opens, in the state in which its task begins. */
export function enterStation({ store, host }: PanelContext, name: StationName): void {
  const { shown, settings } = store.state();
  if (shown === null) return;
  store.dispatch({ type: 'settings', change: arriving(name, shown.explanation, settings) });
  const { selected } = store.state().settings;
  if (selected !== settings.selected) host.post({ type: 'select', token: selected });
  document.querySelector('.panels')?.scrollTo({ top: 0 });
}

function stationTemplate(
  name: StationName,
  index: number,
  { station, stationsDone }: ViewState['settings'],
  title: string,
  go: () => void,
): TemplateResult {
  const isDone = stationsDone.includes(name);
  return html`<li>
    <button
      type="button"
      class="path-station"
      aria-current=${name === station ? 'step' : nothing}
      aria-label=${[index + 1, title, ...(isDone ? [t('(found)')] : [])].join(' ')}
      title=${title}
      @click=${go}
    >
      <span class="path-number" ?data-done=${isDone}>${index + 1}</span>
      <span class="path-name">${title}</span>
    </button>
  </li>`;
}

function taskTemplate(task: string, { isDone, isAlready, found }: Progress): TemplateResult {
  return html`<p class="path-task" ?data-done=${isDone}>
      <span class="path-mark" aria-hidden="true">${isDone ? '✓' : '→'}</span>
      <span>${task}</span>
    </p>
    ${
      isAlready
        ? html`<p class="path-found">${t('This happens to be it already: look at another one, and come back.')}</p>`
        : isDone
          ? html`<p class="path-found"><strong>${t('Found.')}</strong> ${found}</p>`
          : nothing
    }`;
}
