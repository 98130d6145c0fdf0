import { el, icon } from './dom.ts';

let lastId = 0;

/** An id for tying a label to its control. */
export function uniqueId(prefix: string): string {
  return `${prefix}-${++lastId}`;
}

export interface Choice<Name extends string> {
  readonly root: HTMLElement;
  set(value: Name): void;
}

/** A row of options of which one holds: native radio buttons, so that arrow keys and screen readers work as known. */
export function segmented<Name extends string>(label: string, options: readonly (readonly [Name, string])[], chosen: (value: Name) => void, shown = false): Choice<Name> {
  const group = uniqueId('choice');
  const inputs = new Map<Name, HTMLInputElement>();
  const segments = options.map(([value, text]) => {
    const input = el('input', { type: 'radio', name: group, value });
    input.addEventListener('change', () => chosen(value));
    inputs.set(value, input);
    return el('label', { class: 'segment' }, input, el('span', {}, text));
  });
  const labelId = uniqueId('label');
  const root = el('div', { class: 'choice', role: 'radiogroup', 'aria-labelledby': labelId },
    el('span', { id: labelId, class: shown ? 'control-label' : 'visually-hidden' }, label), el('div', { class: 'segments' }, ...segments));
  return {
    root,
    set: (value) => {
      const input = inputs.get(value);
      if (input !== undefined) input.checked = true;
    },
  };
}

export interface Toggle {
  readonly root: HTMLElement;
  set(value: boolean): void;
}

export function checkbox(label: string, changed: (value: boolean) => void): Toggle {
  const input = el('input', { type: 'checkbox' });
  input.addEventListener('change', () => changed(input.checked));
  return { root: el('label', { class: 'checkbox' }, input, el('span', {}, label)), set: (value) => { input.checked = value; } };
}

export interface Slider {
  readonly root: HTMLElement;
  /** The value, how it is written, and optionally new bounds. */
  set(value: number, text: string, max?: number): void;
}

/** A labelled slider; `step` is of its own value, which the caller may map to another quantity. */
export function slider(label: string, min: number, max: number, step: number, changed: (value: number) => void): Slider {
  const id = uniqueId('slider');
  const input = el('input', { type: 'range', id, min, max, step });
  const output = el('output', { for: id });
  const fill = (): void => {
    const low = Number(input.min);
    input.style.setProperty('--filled', `${(100 * (Number(input.value) - low)) / Math.max(1e-9, Number(input.max) - low)}%`);
  };
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

export interface TextField {
  readonly root: HTMLElement;
  /** Writes a value, unless the user is typing. */
  set(value: string): void;
}

/** Milliseconds without a key after which typing counts as done. */
const TYPING_REST = 350;

/** A labelled line of text; `typed` hears of it once typing rests, or at once with Enter. */
export function textField(label: string, maxLength: number, placeholder: string, typed: (value: string) => void): TextField {
  const id = uniqueId('text');
  const input = el('input', { type: 'text', id, class: 'text-input', maxlength: maxLength, placeholder, spellcheck: 'false', autocomplete: 'off' });
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

export interface Select {
  readonly root: HTMLElement;
  /** The options by value and text, and which is chosen. */
  set(options: readonly (readonly [value: number, text: string])[], chosen: number): void;
}

/** A labelled drop-down list of numbered options. */
export function select(label: string, chosen: (value: number) => void): Select {
  const id = uniqueId('select');
  const list = el('select', { id, class: 'select' });
  list.addEventListener('change', () => chosen(Number(list.value)));
  let shown = '';
  return {
    root: el('div', { class: 'field' }, el('label', { for: id }, label), list),
    set: (options, value) => {
      const next = JSON.stringify(options);
      if (next !== shown) list.replaceChildren(...options.map(([number, text]) => el('option', { value: number }, text)));
      shown = next;
      list.value = String(value);
    },
  };
}

export type ButtonKind = 'primary' | 'secondary' | 'link';

export function button(text: string, kind: ButtonKind, pressed: () => void, drawing?: string): HTMLButtonElement {
  const made = el('button', { type: 'button', class: `button ${kind}` }, drawing === undefined ? null : icon(drawing), el('span', {}, text));
  made.addEventListener('click', pressed);
  return made;
}

/** A legend: gradient between two labels. */
export interface Legend {
  readonly root: HTMLElement;
  set(gradient: string, low: string, high: string): void;
}

export function gradientLegend(): Legend {
  const low = el('span');
  const high = el('span');
  const ramp = el('span', { class: 'legend-ramp', 'aria-hidden': 'true' });
  return {
    root: el('div', { class: 'legend' }, low, ramp, high),
    set: (gradient, lowText, highText) => {
      ramp.style.background = gradient;
      low.textContent = lowText;
      high.textContent = highText;
    },
  };
}
