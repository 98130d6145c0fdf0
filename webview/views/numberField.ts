import { uniqueId } from '../controls.ts';
import { el } from '../dom.ts';

export interface NumberField {
  readonly root: HTMLElement;
  /** The value, and what it means where that needs saying. */
  set(value: number, meaning?: string): void;
  enable(on: boolean): void;
}

/** Bounds of what is taken; a number outside becomes the nearest inside. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** What the arrows add; `whole` numbers are rounded. */
  readonly step: number;
  readonly whole?: boolean;
}

/** A labelled number that is typed, with a line of its meaning under it. What is no number gives way to the value before. */
export function numberField(label: string, { min, max, step, whole = false }: NumberRange, changed: (value: number) => void): NumberField {
  const id = uniqueId('number');
  const meaningId = uniqueId('meaning');
  const input = el('input', { type: 'number', id, class: 'number-input', min, max, step: whole ? step : 'any', 'aria-describedby': meaningId });
  const meaning = el('span', { id: meaningId, class: 'number-meaning' });
  let shown = 0;
  input.addEventListener('change', () => {
    const typed = input.valueAsNumber;
    const value = Number.isNaN(typed) ? shown : Math.max(min, Math.min(max, whole ? Math.round(typed) : typed));
    input.value = String(value);
    if (value !== shown) changed(value);
  });
  return {
    root: el('div', { class: 'number-field' }, el('label', { for: id }, label), input, meaning),
    set: (value, text = '') => {
      if (value !== shown || input.value === '') input.value = String(value);
      shown = value;
      meaning.textContent = text;
    },
    enable: (on) => {
      input.disabled = !on;
    },
  };
}
