import { visibleToken } from '../../src/core/visibleText.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { MAX_NOTE, type Note } from '../../src/report/notes.ts';
import type { PanelContext, View } from '../context.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import type { Settings } from '../viewSettings.ts';
import { button, segmented, uniqueId } from './controls.ts';
import { changeDetector, el, ICONS } from './dom.ts';
import { freeKey } from './keys.ts';

/** What a note can be put at. */
type Place = 'token' | 'head' | 'cell';

/** The user's notes: lines of text at tokens, heads and cells, which are jumped to and kept in reports. */
export interface Notes extends View {
  /** Opens the line in which a note is written. */
  readonly button: HTMLElement;
}

/** Creates the notes: a list, where there are any, and a line to write another, opened by its button or the key N. */
export function createNotes(context: PanelContext): Notes {
  const { store } = context;
  let place: Place = 'token';
  let writing = false;
  const list = el('ul', { class: 'note-list' });
  const id = uniqueId('note');
  const input = el('input', { id, class: 'text-input note-input', type: 'text', maxlength: MAX_NOTE });
  const label = el('label', { for: id, class: 'control-label' });
  const places = segmented<Place>(
    t('Put the note at'),
    [
      ['token', t('Token')],
      ['head', t('Head')],
      ['cell', t('Cell')],
    ],
    (chosen) => {
      place = chosen;
      update(store.state());
      input.focus();
    },
  );
  const form = el(
    'form',
    { class: 'note-form' },
    places.root,
    label,
    input,
    el(
      'div',
      { class: 'buttons' },
      button(t('Add'), 'primary', () => form.requestSubmit()),
      button(t('Close'), 'secondary', () => write(false)),
    ),
  );
  const root = el('section', { class: 'notes-section', 'aria-label': t('Notes'), hidden: true }, list, form);
  const opener = button(t('Note'), 'link', () => write(!writing));
  opener.classList.add('note-opener');
  opener.title = t('Write a note on the selected token, a head or a cell (key N)');
  const write = (open: boolean): void => {
    writing = open;
    update(store.state());
    if (open) input.focus();
    else opener.focus();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const state = store.state();
    const text = input.value.trim();
    if (text === '' || state.shown === null) return;
    const note = { text, ...placeIn(state.settings, place) };
    setNotes(context, [...state.settings.notes, note]);
    context.announce(t('Note added: {0}', placeText(note, state.shown.explanation)));
    input.value = '';
  });
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    write(false);
  });
  document.addEventListener('keydown', (event) => {
    if (freeKey(event) !== 'n' || store.state().shown === null || !canWrite(store.state())) return;
    event.preventDefault();
    write(true);
  });
  const changed = changeDetector();
  const update = (state: ViewState): void => {
    const { shown, settings } = state;
    root.hidden = shown === null || (settings.notes.length === 0 && !writing);
    form.hidden = !writing;
    opener.setAttribute('aria-expanded', String(writing));
    opener.hidden = !canWrite(state);
    if (shown === null) return;
    if (place === 'cell' && settings.locked === null) place = 'token';
    places.set(place);
    for (const one of places.root.querySelectorAll('input')) one.disabled = one.value === 'cell' && settings.locked === null;
    label.textContent = t('Note on {0}', placeText({ text: '', ...placeIn(settings, place) }, shown.explanation));
    if (changed(settings.notes, shown, state.report))
      list.replaceChildren(...settings.notes.map((note) => noteItem(context, note, shown.explanation)));
  };
  return { root, button: opener, update };
}

/** Whether notes can be written: those of a saved report only where its file can keep them. */
function canWrite({ report }: ViewState): boolean {
  return report === null || report.keepsNotes;
}

/** Changes the notes, which a saved report keeps in its file. */
function setNotes({ store, host }: PanelContext, notes: readonly Note[]): void {
  store.dispatch({ type: 'settings', change: { notes: [...notes] } });
  if (store.state().report !== null) host.post({ type: 'notes', notes });
}

/** A note: where it is, as a button that goes there; what it says; and a button that removes it. */
function noteItem(context: PanelContext, note: Note, explanation: Explanation): HTMLElement {
  const { store } = context;
  const where = placeText(note, explanation);
  const remove = button(
    '',
    'secondary',
    () =>
      setNotes(
        context,
        store.state().settings.notes.filter((one) => one !== note),
      ),
    ICONS.close,
  );
  remove.classList.add('icon-button');
  remove.setAttribute('aria-label', t('Remove the note on {0}', where));
  remove.title = t('Remove');
  const go = button(where, 'link', () => store.dispatch({ type: 'settings', change: jumpTo(note) }));
  go.title = t('Go there');
  return el('li', {}, go, el('span', { class: 'note-text', dir: 'auto' }, note.text), canWrite(store.state()) ? remove : null);
}

/** Where a note is put now. */
function placeIn({ selected, layer, head, locked }: Settings, place: Place): Omit<Note, 'text'> {
  if (place === 'token') return { token: selected, head: null, key: null };
  if (place === 'cell' && locked !== null) return { token: locked.query, head: { layer, head }, key: locked.key };
  return { token: null, head: { layer, head }, key: null };
}

/** The settings that show what a note is about. */
function jumpTo({ token, head, key }: Note): Partial<Settings> {
  const selected = token === null ? {} : { selected: token };
  if (head === null) return selected;
  const locked = token === null || key === null ? {} : { locked: { query: token, key } };
  return { tab: 'attention', ...head, ...selected, ...locked };
}

function placeText({ token, head, key }: Note, { tokens }: Explanation): string {
  const named = (index: number): string => {
    const found = tokens[index];
    return t('token {0} “{1}”', index, found === undefined ? '' : visibleToken(found));
  };
  if (head === null) return named(token ?? 0);
  const ofHead = t('layer {0}, head {1}', head.layer, head.head);
  return token === null || key === null ? ofHead : t('{0}: {1} to {2}', ofHead, named(token), named(key));
}
