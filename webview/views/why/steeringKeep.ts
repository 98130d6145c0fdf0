import { keptVector, type KeptVector } from '../../../src/core/steering.ts';
import type { SteeringTrial } from '../../../src/core/steeringTrial.ts';
import type { PanelContext } from '../../context.ts';
import { button, textField } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import { MAX_WORD } from '../../viewSettings.ts';
import type { MadeOf } from './steeringSources.ts';

/** A line in which the vector of a trial is kept under a name, or saved as a file. */
export interface SteeringKeep {
  readonly root: HTMLElement;
  readonly show: (found: SteeringTrial, made: MadeOf) => void;
}

/** Creates the line. */
export function createSteeringKeep({ host, store, announce }: PanelContext): SteeringKeep {
  let shown: { readonly found: SteeringTrial; readonly made: MadeOf } | null = null;
  let name = '';
  const field = textField(t('Name of the vector'), MAX_WORD, '', (text) => (name = text.trim()));
  /** The vector at strength 1, under the typed name. */
  const named = (): KeptVector | null => {
    const { shown: text } = store.state();
    if (shown === null || text === null) return null;
    const { found, made } = shown;
    const { family } = text.explanation.model;
    return keptVector({
      name: name === '' ? made.name : name,
      description: descriptionOf(found, made),
      family,
      directions: found.directions,
    });
  };
  const keep = button(t('Keep'), 'secondary', () => {
    const vector = named();
    if (vector === null) return;
    store.dispatch({ type: 'vector', vector });
    if (store.state().vectorLeftOut === null) announce(t('“{0}” is kept', vector.name));
  });
  const save = button(t('Save as a file…'), 'secondary', () => {
    const vector = named();
    const serial = store.state().shown?.serial;
    if (vector !== null && serial !== undefined) host.post({ type: 'saveVector', serial, vector });
  });
  save.title = t('As a control vector of llama.cpp (GGUF), at strength 1');
  return {
    root: el('div', { class: 'steering-keep' }, field.root, el('div', { class: 'buttons wrap' }, keep, save)),
    show: (found, made) => {
      shown = { found, made };
      ({ name } = made);
      field.set(name);
    },
  };
}

/** What a vector was made of, and how long it is. */
function descriptionOf({ directions: [first] }: SteeringTrial, { description }: MadeOf): string {
  if (first === undefined || first.difference === null) return description;
  return `${description} ${t('As long as the residual was at layer {0} of the text: its median.', first.layer)}`;
}
