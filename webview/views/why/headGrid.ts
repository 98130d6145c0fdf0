import type { DirectParts } from '../../../src/core/directParts.ts';
import type { RecurrenceKind } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { largestOfAll, largestSize } from '../../figures/directWaterfall.ts';
import type { FigureData } from '../../figures/figureData.ts';
import { countedAxis } from '../../figures/savedNumbers.ts';
import { headTermRows, headTermsFigure, termsThere, type HeadTermRows } from '../../figures/headTerms.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { signedDecimal } from '../../parts/format.ts';
import { createHeadSwitch } from '../../parts/headSwitch.ts';
import { plainKey } from '../../parts/keys.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { createSignedStrip, LOGIT_DIGITS, logits, type SignedNumbers } from '../../parts/signedStrip.ts';
import { besideTemplate, drawInto } from '../../parts/templates.ts';
import { createPlot } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { signedColours } from '../../theme.ts';
import { askedWhy, logitOf, sidesOf, type AskedWhy } from './asked.ts';

/** The grid of heads, and the chosen head's part by the token it is read from. */
export interface HeadTerms {
  readonly root: HTMLElement;
  readonly show: (parts: DirectParts, why: AskedWhy, state: ViewState) => void;
}

/** The heads' parts of a logit, as they are saved. */
function termsToSave(z: HeadTermRows): FigureData {
  const values = Float32Array.from(z.flat(), (value) => value ?? NaN);
  return { kind: 'grid', value: 'logits', rows: countedAxis('layer', z.length), columns: countedAxis('head', z[0]?.length ?? 0), values };
}

/** What stands in place of a layer's attention; undefined: the layer has attention. */
function without({ shown }: ViewState, layer: number): RecurrenceKind | undefined {
  return shown?.explanation.model.traits?.layers[layer]?.recurrence?.kind;
}

/** What is said below the grid. `tell`: whether the place has a head; without one there is nothing to switch off, and no part to tell. */
function createDetail(
  title: HTMLElement,
  headSwitch: HTMLElement,
  toAttention: HTMLElement,
  parts: readonly HTMLElement[],
): { readonly root: HTMLElement; readonly tell: (hasHead: boolean) => void } {
  const without = t('No head of this layer has attention weights: what the layer adds stands in the sum as a part of its own.');
  const weightless = el('p', { class: 'caption' }, without);
  const ofHead = el('div', { class: 'why-head' }, ...parts);
  const tools = el('div', { class: 'toolbar' }, headSwitch, toAttention);
  return {
    root: el('div', { class: 'why-head' }, el('div', { class: 'card-head' }, title, tools), weightless, ofHead),
    tell: (hasHead) => {
      ofHead.hidden = headSwitch.hidden = !hasHead;
      weightless.hidden = hasHead;
    },
  };
}

/** Creates the grid, still empty. A click or the arrow keys choose a head; Enter opens it in Attention. */
export function createHeadTerms(context: PanelContext): HeadTerms {
  const { store, tooltip } = context;
  const choose = (layer: number, head: number): void => store.dispatch({ type: 'settings', change: { layer, head, locked: null } });
  const openHead = (key: number | null): void => {
    const [layer, head] = headOf(store.state());
    const { selected } = store.state().settings;
    const locked = key === null ? null : { query: selected, key };
    store.dispatch({ type: 'settings', change: { tab: 'attention', layer, head, locked } });
  };
  /** The head on show: the largest one, until the user points at one. */
  const headOf = ({ settings: { layer, head, headChosen } }: ViewState): readonly [layer: number, head: number] =>
    headChosen || of === undefined ? [layer, head] : largestOfAll(of.parts);
  let of: { readonly parts: DirectParts; readonly z: HeadTermRows } | undefined;
  /** What a place of the grid is called, and what it adds: nothing to tell where the layer has no attention weights. */
  const named = (layer: number, head: number): readonly [name: string, adds: string] => {
    const kind = without(store.state(), layer);
    return kind === undefined
      ? [t('Layer {0}, head {1}', layer, head), logits(of?.z[layer]?.[head] ?? NaN)]
      : [t('Layer {0}: {1}', layer, recurrenceName(kind)), ''];
  };
  const plot = createPlot(
    t('What each head adds: rows are layers, columns are heads. Arrow keys choose one, Enter opens it.'),
    'head-terms',
    {
      data: () => (of === undefined ? null : termsToSave(of.z)),
      hover: (point, event) => {
        if (point === null || event === null) return tooltip.hide();
        const { x, y } = point;
        const [name, adds] = named(y, x);
        tooltip.show(adds === '' ? { title: name, rows: [] } : { title: adds, rows: [[name, '']] }, event.clientX, event.clientY);
      },
      click: ({ x, y }) => choose(y, x),
      keys: (event) => {
        const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[plainKey(event)];
        if (plainKey(event) === 'Enter') return openHead(null);
        if (step === undefined || of === undefined) return;
        event.preventDefault();
        const [layer, head] = headOf(store.state());
        choose(layer + (step[0] ?? 0), head + (step[1] ?? 0));
        const now = store.state().settings;
        context.announce(
          named(now.layer, now.head)
            .filter((one) => one !== '')
            .join(', '),
        );
      },
      resized: () => draw(store.state()),
    },
  );
  const title = el('h3', {});
  const headSwitch = createHeadSwitch(context);
  const strip = createSignedStrip(context, t('The head’s part, by the token it reads'), { opened: openHead });
  const note = el('p', { class: 'caption' });
  const sources = question<SignedNumbers>(context, {
    busy: (): HTMLElement => detail,
    parts: [strip.root, note],
    ask: async (state, query) => {
      const asked = askedWhy(state);
      const [layer, head] = headOf(state);
      if (asked === null) return '';
      const { values } = await query('directSources', 'directSources', { ...logitOf(asked), layer, head });
      return { values, ...sidesOf(asked) };
    },
    draw: (numbers, state) => strip.show(numbers, state),
  });
  const toAttention = button(t('Open in Attention'), 'link', () => openHead(null));
  const { root: detail, tell } = createDetail(title, headSwitch.root, toAttention, [note, sources.notice, strip.root]);
  const root = el(
    'div',
    { class: 'why-heads' },
    el('div', { class: 'toolbar spread' }, el('h3', {}, t('Heads')), plot.tools),
    plot.root,
    detail,
  );
  const drawn = changeDetector();

  function draw(state: ViewState): void {
    const { theme } = state;
    const [layer, head] = headOf(state);
    const width = plot.width();
    if (of === undefined || width === 0 || !drawn(of.z, layer, head, width, theme)) return;
    const most = largestSize(termsThere(of.z));
    plot.draw(headTermsFigure(of.z, { layer, head, width }, theme), {
      colours: signedColours(theme),
      low: signedDecimal(-most, LOGIT_DIGITS),
      high: signedDecimal(most, LOGIT_DIGITS),
    });
  }

  return {
    root,
    show: (parts, asked, state) => {
      const { shown } = state;
      if (shown === null) return;
      if (of?.parts !== parts) of = { parts, z: headTermRows(parts, shown.explanation.model) };
      draw(state);
      const [layer, head] = headOf(state);
      const [name, adds] = named(layer, head);
      drawInto(title, [name, besideTemplate(adds !== '' && adds)]);
      tell(adds !== '');
      if (adds === '') return;
      headSwitch.show(layer, head, state);
      note.textContent = t(
        'By the token whose value it reads: attention weight times value, through the head’s part of the output projection. The numbers ' +
          'sum to the head’s. Click a token for the arithmetic of its weight.',
      );
      sources.update(state, shown, asked.position, asked.token, asked.rival, layer, head);
    },
  };
}
