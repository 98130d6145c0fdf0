import type { KeptVector } from '../../../src/core/steering.ts';
import type { PanelContext, View } from '../../context.ts';
import { chosenVector } from '../../figures/keptVectors.ts';
import { button, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import { createNotice } from '../../parts/notice.ts';
import { t } from '../../strings.ts';
import type { SourceFields } from './steeringSources.ts';

/** The vectors that are kept by name; one of a llama.cpp control-vector file joins them. */
export function createKeptSource({ host, store }: PanelContext): SourceFields & View {
  const list = select(t('Vector'), (index) => {
    const name = store.state().settings.vectors[index]?.name;
    if (name !== undefined) store.dispatch({ type: 'settings', change: { vector: name } });
  });
  const about = el('p', { class: 'caption steering-about' });
  const open = button(t('Open a file…'), 'secondary', () => {
    const { shown } = store.state();
    if (shown !== null) host.post({ type: 'openVector', serial: shown.serial });
  });
  open.title = t('A control vector of llama.cpp (GGUF)');
  const remove = button(t('Remove'), 'secondary', () => {
    const { vectors, vector } = store.state().settings;
    const chosen = chosenVector(vectors, vector);
    store.dispatch({ type: 'settings', change: { vectors: vectors.filter((one) => one !== chosen), vector: '' } });
    open.focus();
  });
  const notice = createNotice();
  const changed = changeDetector();
  return {
    root: el(
      'div',
      { class: 'steering-source' },
      el('div', { class: 'steering-controls' }, list.root, el('div', { class: 'buttons wrap' }, open, remove)),
      notice.root,
      about,
    ),
    made: async () => {
      const { vectors, vector } = store.state().settings;
      const kept = chosenVector(vectors, vector);
      if (kept === null) return t('No vector is kept: open a file, or keep one that was made of texts or tokens.');
      const { name, description, directions } = kept;
      return { source: { kind: 'kept', name, directions }, name, description };
    },
    update: ({ settings: { vectors, vector }, vectorLeftOut }) => {
      if (!changed(vectors, vector, vectorLeftOut)) return;
      const kept = chosenVector(vectors, vector);
      for (const part of [list.root, remove]) part.hidden = kept === null;
      list.set(
        vectors.map(({ name }, index) => [index, name]),
        vectors.findIndex((one) => one === kept),
      );
      about.textContent = kept === null ? t('No vector is kept yet.') : aboutText(kept);
      if (vectorLeftOut === null) notice.clear();
      else notice.fail(t('There is no room to keep “{0}”: remove another one first.', vectorLeftOut));
    },
  };
}

/** What is known of a vector, in a line. */
function aboutText({ description, family, directions }: KeptVector): string {
  const layers = directions.map(({ layer }) => layer);
  const [first, last] = [Math.min(...layers), Math.max(...layers)];
  const numbers = integer(directions[0]?.values.length ?? 0);
  return [
    layers.length === 1
      ? t('Added at the input of layer {0}: {1} numbers.', first, numbers)
      : t('Added at the inputs of {0} layers, {1} to {2}: {3} numbers each.', layers.length, first, last, numbers),
    ...(family === '' ? [] : [t('Made for: {0}.', family)]),
    description,
  ].join(' ');
}
