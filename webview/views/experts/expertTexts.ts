import type { ExpertRouting, ModelInfo } from '../../../src/core/trace.ts';
import { el } from '../../parts/dom.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** A weight; empty where an engine does not return it. */
export function weightText(weight: number | null): string {
  return weight === null ? '' : significant(weight, 4);
}

/** What is said of the figures, by whether weights are known: an engine returns the numbers of experts alone. */
export function createCaptions() {
  const [load, title, map] = [el('p', { class: 'caption' }), el('h3'), el('p', { class: 'caption' })];
  return {
    load,
    title,
    map,
    set: ({ weights }: ExpertRouting): void => {
      const cells = t('Row: token. Column: expert. Empty: not sent there.');
      const ends = t('The engine returns neither the weights of the experts nor how many there are: columns end with the last one named.');
      load.textContent =
        weights === null
          ? t('Share of the tokens that each expert was sent.')
          : t('Share of the tokens that each expert was sent. Dotted: an even spread.');
      title.textContent = weights === null ? t('Experts of each token') : t('Weights');
      map.textContent = weights === null ? `${cells} ${ends}` : cells;
    },
  };
}

/** How many experts a layer has, and how many of them a token passes. */
export function factsOf({ traits, served }: ModelInfo, layer: number): readonly (readonly [string, string])[] {
  const routing = served?.routing;
  if (routing !== undefined)
    return [
      [`≥ ${integer(routing.least)}`, t('experts')],
      [integer(routing.chosen), t('for each token')],
    ];
  const experts = traits?.layers[layer]?.experts ?? null;
  if (experts === null) return [];
  return [
    [String(experts.count), t('experts')],
    [String(experts.chosen), t('for each token')],
    ...(experts.shared ? [['+', t('one that all tokens pass')] as const] : []),
  ];
}
