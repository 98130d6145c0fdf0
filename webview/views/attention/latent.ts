import { html, type TemplateResult } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import type { LatentVector } from '../../../src/core/trace.ts';
import { integer, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { Tooltip } from '../../parts/tooltip.ts';
import { signedBars } from '../../parts/signedBars.ts';
import { chipTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';

/** Compressed vector that latent attention caches for the key's token, and how much smaller it is than full keys and values. */
export function latentTemplate({ compressed, sharedKey, full }: LatentVector, label: string, tooltip: Tooltip): TemplateResult {
  const strip = signedBars(compressed, t('Compressed vector of {0} numbers', compressed.length), tooltip, (dimension) => ({
    title: t('Dimension {0}', dimension),
    rows: [[t('Value'), significant(at(compressed, dimension), 5)]],
  }));
  const kept = compressed.length + sharedKey.length;
  return html`<section class="latent" aria-label=${t('Compressed keys and values')}>
    <h3>${explained(t('Compressed keys and values'))} ${chipTemplate(label)}</h3>
    ${strip}
    <p class="caption">
      ${explained(
        t(
          'Keys and values of all heads are made from these {0} numbers and {1} that hold the position: {2} kept in place of {3}.',
          integer(compressed.length),
          integer(sharedKey.length),
          integer(kept),
          integer(full),
        ),
      )}
    </p>
  </section>`;
}
