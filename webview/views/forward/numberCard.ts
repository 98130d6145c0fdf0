import { stageOf, type ForwardPath, type Stage, type StageName, type WeightedSum } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import { chip, numberCell } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import type { Arithmetic, Part, PartRole, Term } from '../../figures/numberArithmetic.ts';
import type { Place } from '../../figures/pathSteps.ts';
import { sumNumbers } from '../../figures/tableNumbers.ts';
import { integer, significant } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { t } from '../../strings.ts';
import { axisName, numberText } from './stageView.ts';
import { activationName, numberLabel, stageTitle } from './stageTexts.ts';

const DIGITS = 6;

/** Data of the card, and targets of its links. */
export interface NumberCardView {
  readonly path: ForwardPath;
  readonly place: Place;
  readonly labels: readonly string[];
  readonly sum: WeightedSum | null;
  readonly goTo: (place: Place) => void;
  /** Goes to another head's number in a stage that all heads make together. */
  readonly goToHead: (head: number, stage: StageName) => void;
  /** Whether that head can be chosen: a layer that keeps a state may have more than attention has. */
  readonly canFollow: (head: number) => boolean;
  /** Goes to where the given stream was computed, before this layer. */
  readonly goBefore: () => void;
  readonly goToLayer: (layer: number) => void;
}

/** What is said of one number first: its vector, its place in it, and its value. */
export function numberTitle({ path, place, labels }: Pick<NumberCardView, 'path' | 'place' | 'labels'>): readonly HTMLElement[] {
  const stage = stageOf(path.stages, place.stage);
  return [
    el('span', {}, stageTitle(stage.name)),
    ...(saysItself(stage) ? [] : [el('span', { class: 'muted' }, axisName(stage))]),
    chip(numberLabel(path, stage, place.index, labels)),
    el('strong', { class: 'number-value' }, numberText(stage, at(stage.values, place.index))),
  ];
}

/** Computation of one number from its operands; each operand is a link to its own computation. */
export function numberCard(arithmetic: Arithmetic | null, view: NumberCardView): readonly HTMLElement[] {
  const stage = stageOf(view.path.stages, view.place.stage);
  return arithmetic === null ? [] : bodyOf(arithmetic, stage, at(stage.values, view.place.index), view);
}

function bodyOf(arithmetic: Arithmetic, stage: Stage, value: number, view: NumberCardView): readonly HTMLElement[] {
  const link = (text: string, follow: () => void): HTMLElement => {
    const made = el('button', { type: 'button', class: 'button link' }, text);
    made.addEventListener('click', follow);
    return made;
  };
  switch (arithmetic.kind) {
    case 'origin':
      return [originText(arithmetic.made, stage, view, link)];
    case 'masked':
      return [
        el(
          'p',
          { class: 'muted' },
          {
            after: t('This token comes after the one that looks: it is not seen.'),
            window: t('This token lies before the window: it is not seen.'),
            cut: t('The recipe hides this token from the one that looks: it is not seen.'),
          }[arithmetic.why],
        ),
      ];
    case 'same': {
      const { place, head } = arithmetic;
      if (place === null)
        return [
          el(
            'p',
            {},
            `${t('This number is of head {0}.', head ?? 0)} `,
            ...(view.canFollow(head ?? 0) ? [link(t('Follow head {0}', head ?? 0), () => view.goToHead(head ?? 0, stage.name))] : []),
          ),
        ];
      return [
        el(
          'p',
          {},
          `${t('The same number as')} `,
          link(placeText(place, view), () => view.goTo(place)),
        ),
      ];
    }
    case 'formula':
      return [
        el('p', { class: 'number-formula' }, expression(arithmetic), ' = ', el('strong', {}, significant(arithmetic.total, DIGITS))),
        partList(arithmetic.parts, view, link),
        precision(arithmetic.total, value),
      ];
    default:
      arithmetic.kind satisfies 'sum';
      return [...sumTable(arithmetic, stage, view, link), precision(arithmetic.total, value)];
  }
}

type Link = (text: string, follow: () => void) => HTMLElement;

function originText(
  made: Extract<Arithmetic, { readonly kind: 'origin' }>['made'],
  stage: Stage,
  { goBefore, goToLayer, path, place }: NumberCardView,
  link: Link,
): HTMLElement {
  switch (made.kind) {
    case 'row':
      return el(
        'p',
        {},
        t('Row {0}, column {1} of the stored tensor {2}: learned in training.', integer(made.row), integer(place.index), made.tensor),
      );
    case 'sinusoid':
      return el('p', {}, t('Computed by a formula from position {0}.', integer(made.position)));
    case 'lengths': {
      const layer = stage.name === 'changes' ? place.index : place.index - 1;
      const text =
        stage.name === 'changes'
          ? t('Euclidean length of what this layer changed in the stream.')
          : t('Euclidean length of the stream: the root of the sum of its squares.');
      return el('p', {}, `${text} `, ...(layer < 0 ? [] : [link(t('Look into layer {0}', layer), () => goToLayer(layer))]));
    }
    case 'ofLayer':
      return el(
        'p',
        {},
        `${t('Made by layer {0}, whose keys and values this layer reads too.', made.layer)} `,
        link(t('Look into layer {0}', made.layer), () => goToLayer(made.layer)),
      );
    case 'perLayer':
      return el('p', {}, t('Made before the first layer, from the token’s row in a table of all layers and from its embedding.'));
    case 'shareOfStreams':
      return el(
        'p',
        {},
        t('Of the mean of all streams: behind its matrix each is brought to the size of the first one, and counts as much.'),
      );
    case 'state':
      return el('p', {}, t('Kept by this layer of all tokens before: each of them wrote into it in the same way.'));
    case 'sharedExpert':
      return el('p', {}, t('The shared expert runs beside those chosen: choose it above to see how it computes.'));
    default:
      made.kind satisfies 'given';
      return el('p', {}, `${streamText(stage, path.layer)} `, link(t('Follow it back'), goBefore));
  }
}

/** Sentence that says which residual stream is given. */
function streamText({ name }: Stage, layer: number): string {
  if (name === 'finalInput') return t('The stream after the last layer.');
  return layer === 0 ? t('The stream as the first layer reads it.') : t('The stream as layer {0} left it.', layer - 1);
}

/** Whether the label of a number already says what it is, as those of experts and layers do. */
function saysItself({ axis }: Stage): boolean {
  return axis === 'expert' || axis === 'layer';
}

/** The formula with its numbers inserted. */
function expression({ formula, activation, parts }: Extract<Arithmetic, { readonly kind: 'formula' }>): string {
  const has = (role: PartRole): boolean => parts.some((part) => part.role === role);
  const value = (role: PartRole): string => {
    const found = parts.find((part) => part.role === role)?.value ?? 0;
    return found < 0 ? `(${significant(found, DIGITS)})` : significant(found, DIGITS);
  };
  switch (formula) {
    case 'scaled':
    case 'scaledEach':
      return `${value('x')} × ${value('factor')}`;
    case 'moved':
      return `${value('x')} × ${value('factor')} + ${value('bias')}`;
    case 'sum':
      return has('factor') ? `${value('x')} + ${value('factor')} × ${value('other')}` : `${value('x')} + ${value('other')}`;
    case 'norm':
      return [
        has('mean') ? `(${value('x')} − ${value('mean')})` : value('x'),
        ` ÷ ${value('divisor')}`,
        has('weight') ? ` × ${value('weight')}` : '',
        has('bias') ? ` + ${value('bias')}` : '',
      ].join('');
    case 'clip':
      return has('low') ? `min(max(${value('x')}, ${value('low')}), ${value('limit')})` : `min(${value('x')}, ${value('limit')})`;
    case 'rotated':
      return `${value('x')} × ${value('cos')} + ${value('other')} × ${value('sin')}`;
    case 'capped':
      return `${value('limit')} × tanh(${value('x')} ÷ ${value('limit')})`;
    case 'biased':
      return `${value('x')} + ${value('bias')}`;
    case 'softmaxEach':
    case 'softmax':
      return `exp(${value('score')} − ${value('max')}) ÷ ${value('sum')}`;
    case 'unit':
      return `${value('x')} ÷ ${value('length')}${has('factor') ? ` × ${value('factor')}` : ''}`;
    case 'above':
      return `max(0, ${value('x')} − ${value('mean')} − ${value('factor')} × ${value('deviation')})`;
    case 'softplus':
      return `ln(1 + exp(${value('x')}))`;
    case 'decay':
      return `exp(−${value('rate')} × ${value('x')})`;
    case 'xielu':
      return `xIELU(${value('x')})`;
    case 'activation':
      return `${activationName(activation ?? 'linear')}(${value('x')})`;
    case 'product':
      return has('bias') ? `${value('x')} × (${value('other')} + ${value('bias')})` : `${value('x')} × ${value('other')}`;
    default:
      formula satisfies 'shares';
      return `${value('x')} ÷ ${value('sum')}${has('factor') ? ` × ${value('factor')}` : ''}`;
  }
}

function partList(parts: readonly Part[], view: NumberCardView, link: Link): HTMLElement {
  const rows = parts.map(({ role, value, place }) =>
    el(
      'div',
      {},
      el('dt', {}, place === null ? roleName(role) : link(placeText(place, view), () => view.goTo(place))),
      el('dd', {}, significant(value, DIGITS)),
    ),
  );
  return el('dl', { class: 'number-parts' }, ...rows);
}

function roleName(role: PartRole): string {
  const names: Readonly<Record<PartRole, string>> = {
    x: t('Number'),
    other: t('Number'),
    factor: t('Factor'),
    mean: t('Mean of the vector'),
    divisor: t('Root of the mean square or variance, with ε'),
    weight: t('Learned weight'),
    bias: t('Added'),
    cos: t('Cosine of the angle'),
    sin: t('Sine of the angle'),
    limit: t('Limit'),
    low: t('Lower limit'),
    max: t('Largest score, taken off so that nothing overflows'),
    sum: t('Sum'),
    score: t('Score'),
    sink: t('Score of the sink'),
    length: t('Length of the vector, with ε'),
    rate: t('Learned rate'),
    deviation: t('Standard deviation of the vector'),
  };
  return names[role];
}

function sumTable(
  arithmetic: Extract<Arithmetic, { readonly kind: 'sum' }>,
  stage: Stage,
  view: NumberCardView,
  link: Link,
): readonly HTMLElement[] {
  const { terms, rest, bias, extra, total } = arithmetic;
  const { path, place, sum, labels } = view;
  const { made } = stage;
  const of = 'of' in made ? stageOf(path.stages, made.of) : null;
  const largest = Math.max(1e-12, ...terms.map(({ product }) => Math.abs(product)), Math.abs(rest.sum));
  const bar = (product: number): HTMLElement => {
    const drawn = el('span', { class: product < 0 ? 'stage-bar negative' : 'stage-bar', 'aria-hidden': 'true' });
    drawn.style.setProperty('--size', (Math.abs(product) / largest).toFixed(4));
    return drawn;
  };
  const row = (name: Node | string, left: string, right: string, product: number): HTMLElement =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, name),
      numberCell(left),
      numberCell(right),
      el('td', { class: 'bar-cell' }, bar(product)),
      numberCell(significant(product, 4), true),
    );
  const termName = ({ index, place }: Term): Node | string => {
    if (of === null) return integer(index);
    if (made.kind === 'convolved') return tokenName(view, index, made.kernel.length / stage.values.length);
    const label = numberLabel(path, of, index, labels);
    return place === null ? label : link(label, () => view.goTo(place));
  };
  const rows = terms.map((term) => row(termName(term), significant(term.left, 4), significant(term.right, 4), term.product));
  if (rest.count > 0) rows.push(row(rest.count === 1 ? t('1 other') : t('{0} others', integer(rest.count)), '', '', rest.sum));
  if (extra !== null) rows.push(row(t('Shared expert'), significant(extra.left, 4), significant(extra.right, 4), extra.left * extra.right));
  if (bias !== null) rows.push(row(t('Bias'), '', '', bias));
  const [left, right] = headings(stage, of);
  const table = el(
    'table',
    { class: 'sum-table' },
    el('caption', { class: 'visually-hidden' }, t('The products that the number is the sum of')),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        el('th', { scope: 'col' }, made.kind === 'convolved' ? t('Token') : of === null ? '' : axisName(of)),
        el('th', { scope: 'col', class: 'number' }, left),
        el('th', { scope: 'col', class: 'number' }, right),
        el('td', { class: 'bar-cell' }),
        el('th', { scope: 'col', class: 'number' }, t('Product')),
      ),
    ),
    el('tbody', {}, ...rows),
    el(
      'tfoot',
      {},
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, t('Sum')),
        el('td'),
        el('td'),
        el('td', { class: 'bar-cell' }),
        numberCell(significant(total, DIGITS), true),
      ),
    ),
  );
  const where =
    sum === null
      ? []
      : [
          el(
            'p',
            { class: 'caption' },
            sum.column
              ? t('Weights: column {0} of {1}.', integer(sum.row), sum.tensor)
              : t('Weights: row {0} of {1}.', integer(sum.row), sum.tensor),
          ),
        ];
  const saved = withTableMenu(t('The products that the number is the sum of'), table, {
    file: () => `${stage.name}-${place.index}-sum`,
    numbers: () => sumNumbers(arithmetic),
  });
  return [saved, ...where];
}

/** The token of term `index` of a convolution over `size` tokens, of which the path's own is the last. */
function tokenName({ path, labels }: NumberCardView, index: number, size: number): string {
  const token = path.token - (size - 1 - index);
  return token < 0 ? t('before the text') : `${labels[token] ?? ''} (${integer(token)})`;
}

/** Column headings of a sum's terms: what the two factors are. */
function headings(stage: Stage, of: Stage | null): readonly [string, string] {
  const left = of === null ? '' : stageTitle(of.name);
  switch (stage.made.kind) {
    case 'dots':
      return [left, t('Key')];
    case 'weighted':
      return [left, stage.name === 'z' ? t('Value') : ['mixedStreams', 'merged'].includes(stage.name) ? t('Stream') : t('State')];
    case 'mixture':
      return [left, t('Output of the expert')];
    default:
      return [left, t('Weight')];
  }
}

function placeText({ stage, index }: Place, { path, labels }: NumberCardView): string {
  const found = stageOf(path.stages, stage);
  return `${stageTitle(stage)} · ${numberLabel(path, found, index, labels)}`;
}

/** Sentence on the difference between the exact sum here and the model's number, which is rounded at every addition. */
function precision(total: number, value: number): HTMLElement {
  const off = Math.abs(total - value);
  return el(
    'p',
    { class: 'caption' },
    off === 0
      ? t('The model’s own number is exactly this.')
      : t('The model, which computes in float32, has {0}: {1} apart.', significant(value, 8), significant(off, 2)),
  );
}
