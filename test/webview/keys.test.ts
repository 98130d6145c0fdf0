// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from 'vitest';
import { freeKey, plainKey } from '../../webview/parts/keys.ts';

const ALL = ['1', '9', 'ArrowLeft', 'ArrowRight', 'Escape'];
const MOVES = ['ArrowLeft', 'ArrowRight'];
/** What stands where the key is pressed, and which keys it leaves to the view. */
const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['<p tabindex="0">', ALL],
  ['<button>', ALL],
  ['<summary>', ALL],
  ['<tr tabindex="0">', ALL],
  ['<div role="application" tabindex="0">', ALL],
  ['<input>', []],
  ['<input type="text">', []],
  ['<input type="number">', []],
  ['<input type="search">', []],
  ['<textarea>', []],
  ['<select>', []],
  ['<div contenteditable="true">', []],
  ['<div role="combobox">', []],
  ['<div role="spinbutton">', []],
  ['<div role="menu">', []],
  ['<input type="range">', ['Escape']],
  ['<input type="radio">', ['Escape']],
  ['<input type="checkbox">', ['Escape']],
  ['<div role="slider">', ['Escape']],
  ['<button role="radio">', ['Escape']],
  ['<div role="listbox">', ['1', '9', 'Escape']],
  ['<div role="tree">', ['1', '9', 'Escape']],
  ['<div role="grid">', ['1', '9', 'Escape']],
  ['<div role="tablist">', ['1', '9', 'Escape']],
];

/** The keys of `keys` that a handler of the whole page is given when they are pressed in `html`, or in what is inside of it. */
function given(html: string, inside: boolean, keys: readonly string[], options: KeyboardEventInit = {}, taken = false): readonly string[] {
  document.body.innerHTML = html;
  const outer = document.body.firstElementChild ?? document.body;
  const target = inside ? outer.appendChild(document.createElement('span')) : outer;
  if (taken) target.addEventListener('keydown', (event) => event.preventDefault());
  const found: string[] = [];
  const listen = (event: KeyboardEvent): void => void found.push(freeKey(event));
  document.addEventListener('keydown', listen);
  for (const key of keys) target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options }));
  document.removeEventListener('keydown', listen);
  return found.filter((key) => key !== '');
}

afterEach(() => {
  document.body.innerHTML = '';
});

describe('a key of the page', () => {
  it.each(KINDS)('pressed in %s acts only where that does not take it', (html, free) => {
    expect(given(html, false, ALL)).toEqual(free);
    expect(given(html, true, ALL)).toEqual(free);
  });

  it('is left alone where its target took it, with a modifier, and while a word is composed', () => {
    expect(given('<button>', false, ALL, {}, true)).toEqual([]);
    for (const modifier of ['ctrlKey', 'metaKey', 'altKey', 'isComposing'])
      expect(given('<button>', false, ALL, { [modifier]: true }), modifier).toEqual([]);
    expect(given('<button>', false, MOVES, { shiftKey: true })).toEqual(MOVES);
  });

  it('is the widget’s own with no modifier only', () => {
    expect(plainKey(new KeyboardEvent('keydown', { key: 'End' }))).toBe('End');
    expect(plainKey(new KeyboardEvent('keydown', { key: 'End', altKey: true }))).toBe('');
  });
});
