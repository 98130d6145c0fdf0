import { html, nothing, type TemplateResult } from 'lit-html';
import type { Stage } from '../../../src/core/forwardPath.ts';
import type { Arithmetic } from '../../figures/numberArithmetic.ts';
import { integer } from '../../parts/format.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { numberLink, type NumberCardView } from './numberLinks.ts';

/** Where a number comes from that nothing on this path computes: a table, a formula, or what came before. */
export function originTemplate(
  made: Extract<Arithmetic, { readonly kind: 'origin' }>['made'],
  stage: Stage,
  { goBefore, goToLayer, path, place }: NumberCardView,
): TemplateResult {
  const said = (text: string, link: TemplateResult | typeof nothing = nothing): TemplateResult => html`<p>${explained(text)} ${link}</p>`;
  const lookInto = (layer: number): TemplateResult => numberLink(t('Look into layer {0}', layer), () => goToLayer(layer));
  switch (made.kind) {
    case 'row':
      return said(
        t('Row {0}, column {1} of the stored tensor {2}: learned in training.', integer(made.row), integer(place.index), made.tensor),
      );
    case 'sinusoid':
      return said(t('Computed by a formula from position {0}.', integer(made.position)));
    case 'lengths': {
      const isChange = stage.name === 'changes';
      const layer = isChange ? place.index : place.index - 1;
      return said(
        isChange
          ? t('Euclidean length of what this layer changed in the stream.')
          : t('Euclidean length of the stream: the root of the sum of its squares.'),
        layer < 0 ? nothing : lookInto(layer),
      );
    }
    case 'ofLayer':
      return said(t('Made by layer {0}, whose keys and values this layer reads too.', made.layer), lookInto(made.layer));
    case 'perLayer':
      return said(t('Made before the first layer, from the token’s row in a table of all layers and from its embedding.'));
    case 'shareOfStreams':
      return said(t('Of the mean of all streams: behind its matrix each is brought to the size of the first one, and counts as much.'));
    case 'state':
      return said(t('Kept by this layer of all tokens before: each of them wrote into it in the same way.'));
    case 'sharedExpert':
      return said(t('The shared expert runs beside those chosen: choose it above to see how it computes.'));
    default:
      made.kind satisfies 'given';
      return said(streamText(stage, path.layer), numberLink(t('Follow it back'), goBefore));
  }
}

/** Sentence that says which residual stream is given. */
function streamText({ name }: Stage, layer: number): string {
  if (name === 'finalInput') return t('The stream after the last layer.');
  return layer === 0 ? t('The stream as the first layer reads it.') : t('The stream as layer {0} left it.', layer - 1);
}
