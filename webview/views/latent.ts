import { at } from '../../src/core/tensor.ts';
import type { LatentVector } from '../../src/core/trace.ts';
import { el } from '../dom.ts';
import { integer, significant } from '../format.ts';
import { t } from '../strings.ts';
import type { Tooltip } from '../tooltip.ts';
import { signedBars } from './signedBars.ts';

/** What latent attention keeps of the key's token, and how much less that is than keys and values in full. */
export function latentStrip({ compressed, sharedKey, full }: LatentVector, label: string, tooltip: Tooltip): HTMLElement {
  const strip = signedBars(compressed, t('Compressed vector of {0} numbers', compressed.length), tooltip, (dimension) => ({ title: t('Dimension {0}', dimension), rows: [[t('Value'), significant(at(compressed, dimension), 5)]] }));
  const kept = compressed.length + sharedKey.length;
  return el('section', { class: 'latent', 'aria-label': t('Compressed keys and values') },
    el('h3', {}, t('Compressed keys and values'), ' ', el('span', { class: 'token-text chip' }, label)),
    strip,
    el('p', { class: 'caption' }, t('Keys and values of all heads are made from these {0} numbers and {1} that hold the position: {2} kept in place of {3}.', integer(compressed.length), integer(sharedKey.length), integer(kept), integer(full))));
}
