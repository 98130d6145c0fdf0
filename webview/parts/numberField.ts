import { uniqueId } from './controls.ts';
import { el } from './dom.ts';

/** Labelled number field. */
export interface NumberField {
  readonly root: HTMLElement;
  /** Sets the value, and the line that says what it means, if any. */
  set(value: number, meaning?: string): void;
  enable(on: boolean): void;
}

/** Bounds of the values accepted; a number outside becomes the nearest bound. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Increment of the arrows. `whole`: numbers are rounded. */
  readonly step: number;
  readonly whole?: boolean;
}

/** A labelled number field with a line under it for the meaning of the value. Text that is not a number reverts to the previous value. */
export function numberField(label: string, { min, max, step, whole = false }: NumberRange, changed: (value: number) => void): NumberField {
  const id = uniqueId('number');
  const meaningId = uniqueId('meaning');
  const input = el('input', {
    type: 'number',
    id,
    class: 'number-input',
    min,
    max,
    step: whole ? step : 'any',
    'aria-describedby': meaningId,
  });
  const meaning = el('span', { id: meaningId, class: 'number-meaning' });
  let shown = 0;
  input.addEventListener('change', () => {
    const typed = input.valueAsNumber;
    const value = Number.isNaN(typed) ? shown : Math.max(min, Math.min(max, whole ? Math.round(typed) : typed));
    input.value = String(value);
    if (value === shown) return;
    shown = value;
    changed(value);
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
