import { el, icon } from './dom.ts';

let lastId = 0;

/** Unique element id, to tie a label to its control. */
export function uniqueId(prefix: string): string {
  return `${prefix}-${++lastId}`;
}

/** Control that chooses one of several options. */
export interface Choice<Name extends string> {
  readonly root: HTMLElement;
  set(value: Name): void;
}

/**
 * A row of options of which one is chosen: native radio buttons, so that arrow keys and screen readers work as users expect. `shown`: the
 * label is visible, not for screen readers alone.
 */
export function segmented<Name extends string>(
  label: string,
  options: readonly (readonly [Name, string])[],
  chosen: (value: Name) => void,
  shown = false,
): Choice<Name> {
  const group = uniqueId('choice');
  const inputs = new Map<Name, HTMLInputElement>();
  const segments = options.map(([value, text]) => {
    const input = el('input', { type: 'radio', name: group, value });
    input.addEventListener('change', () => chosen(value));
    inputs.set(value, input);
    return el('label', { class: 'segment' }, input, el('span', {}, text));
  });
  const labelId = uniqueId('label');
  const root = el(
    'div',
    { class: 'choice', role: 'radiogroup', 'aria-labelledby': labelId },
    el('span', { id: labelId, class: shown ? 'control-label' : 'visually-hidden' }, label),
    el('div', { class: 'segments' }, ...segments),
  );
  return {
    root,
    set: (value) => {
      const input = inputs.get(value);
      if (input !== undefined) input.checked = true;
    },
  };
}

/** Control that is on or off. */
export interface Toggle {
  readonly root: HTMLElement;
  set(value: boolean): void;
}

/** A labelled checkbox. */
export function checkbox(label: string, changed: (value: boolean) => void): Toggle {
  const input = el('input', { type: 'checkbox' });
  input.addEventListener('change', () => changed(input.checked));
  return {
    root: el('label', { class: 'checkbox' }, input, el('span', {}, label)),
    set: (value) => {
      input.checked = value;
    },
  };
}

/** Slider with its label and its value as text. */
export interface Slider {
  readonly root: HTMLElement;
  /** Sets the value, its text, and optionally a new maximum. */
  set(value: number, text: string, max?: number): void;
}

/** A labelled slider. `min`, `max` and `step` are in the slider's own unit, which the caller may map to another quantity. */
export function slider(label: string, min: number, max: number, step: number, changed: (value: number) => void): Slider {
  const id = uniqueId('slider');
  const input = el('input', { type: 'range', id, min, max, step });
  const output = el('output', { for: id });
  const fill = (): void => {
    const low = Number(input.min);
    input.style.setProperty('--filled', `${(100 * (Number(input.value) - low)) / Math.max(1e-9, Number(input.max) - low)}%`);
  };
  fill();
  input.addEventListener('input', () => {
    fill();
    changed(Number(input.value));
  });
  return {
    root: el('div', { class: 'slider' }, el('label', { for: id }, label), output, input),
    set: (value, text, newMax) => {
      if (newMax !== undefined) input.max = String(newMax);
      input.value = String(value);
      output.value = text;
      input.setAttribute('aria-valuetext', text);
      fill();
    },
  };
}

/** Labelled line of text. */
export interface TextField {
  readonly root: HTMLElement;
  /** Sets the text, unless the user is typing. */
  set(value: string): void;
}

/** Milliseconds without a key press after which typing counts as finished. */
const TYPING_REST = 350;

/** A labelled line of text. `typed` is called once typing pauses, or at once on Enter. */
export function textField(label: string, maxLength: number, placeholder: string, typed: (value: string) => void): TextField {
  const id = uniqueId('text');
  const input = el('input', {
    type: 'text',
    id,
    class: 'text-input',
    maxlength: maxLength,
    placeholder,
    spellcheck: 'false',
    autocomplete: 'off',
  });
  let resting: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    clearTimeout(resting);
    typed(input.value);
  };
  input.addEventListener('input', () => {
    clearTimeout(resting);
    resting = setTimeout(tell, TYPING_REST);
  });
  input.addEventListener('change', tell);
  return {
    root: el('div', { class: 'field' }, el('label', { for: id }, label), input),
    set: (value) => {
      if (document.activeElement !== input) input.value = value;
    },
  };
}

/** Labelled drop-down list of numbered options. */
export interface Select {
  readonly root: HTMLElement;
  /** Sets the options by value and text, and the chosen one. */
  set(options: readonly (readonly [value: number, text: string])[], chosen: number): void;
}

/** A labelled drop-down list of numbered options. `of`: whether they are texts, or tokens, which are written as tokens are. */
export function select(label: string, chosen: (value: number) => void, of: 'texts' | 'tokens' = 'texts'): Select {
  const id = uniqueId('select');
  const list = el('select', { id, class: of === 'tokens' ? 'select of-tokens' : 'select' });
  // The list may be narrower than its options: its title has the whole text of the chosen one.
  const name = (): void => {
    list.title = list.selectedOptions[0]?.text ?? '';
  };
  list.addEventListener('change', () => {
    name();
    chosen(Number(list.value));
  });
  let shown = '';
  return {
    root: el('div', { class: 'field' }, el('label', { for: id }, label), list),
    set: (options, value) => {
      const next = JSON.stringify(options);
      if (next !== shown) list.replaceChildren(...options.map(([number, text]) => el('option', { value: number }, text)));
      shown = next;
      list.value = String(value);
      name();
    },
  };
}

/** Look of a button, by its importance. */
export type ButtonKind = 'primary' | 'secondary' | 'link';

/** A button. `drawing`: path of an icon before its text. */
export function button(text: string, kind: ButtonKind, pressed: () => void, drawing?: string): HTMLButtonElement {
  const made = el(
    'button',
    { type: 'button', class: `button ${kind}` },
    drawing === undefined ? null : icon(drawing),
    el('span', {}, text),
  );
  made.addEventListener('click', pressed);
  return made;
}

/** A token's text as a chip; `title` is its tooltip. */
export function chip(text: string, title?: string): HTMLElement {
  return el('span', { class: 'token-text chip', title }, text);
}

/** Table cell with a number; `strong` for the number that a row is about. */
export function numberCell(text: Node | string, strong = false): HTMLElement {
  return el('td', { class: strong ? 'number strong' : 'number' }, text);
}

/** A bar that shows how far something is, at its start. */
export function progressBar(label: string): HTMLElement {
  return el(
    'div',
    { class: 'progress', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100 },
    el('div', { class: 'progress-fill' }),
  );
}
