import { html, nothing, type TemplateResult } from 'lit-html';
import type { BlockParts, MixerPart, MlpPart, RecurrencePart } from '../../../src/core/architecture.ts';
import { at } from '../../../src/core/tensor.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import { integer, signedDecimal } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';
import { partTemplate } from './modelEnds.ts';
import { headsTemplate, sharingTemplate } from './modelHeads.ts';
import { mlpShapeTemplate } from './modelMlp.ts';
import { mixerFacts, mixerTitle, mlpFacts, parametersText, queryFacts, recurrenceFacts, recurrenceTitle } from './modelTexts.ts';

/** The tokens that a step raises and lowers most by itself. */
function towards({ layerAnswer, settings, explanation }: ModelData, { go }: ModelActions, place: 0 | 1): TemplateResult | typeof nothing {
  const known = layerAnswer?.added ?? null;
  if (known === null) return nothing;
  const { raisedIds, raised, loweredIds, lowered, next, nextRank, pieces } = known;
  const line = (id: number, by: number): TemplateResult =>
    html`<span class="token-text chip">${visibleText(pieces[id] ?? '')}</span> ${t('{0} logits', signedDecimal(by, 2))}`;
  const follows = explanation.tokens[settings.selected + 1];
  return partTemplate(
    t('By itself it points to'),
    [
      html`${t('raised most')} ${line(at(raisedIds, place), at(raised, place))}`,
      html`${t('lowered most')} ${line(at(loweredIds, place), at(lowered, place))}`,
      ...(follows === undefined
        ? []
        : [t('the token that follows: {0}, rank {1}', t('{0} logits', signedDecimal(at(next, place), 2)), integer(at(nextRank, place)))]),
    ],
    { go: () => go({ tab: 'predictions', lensRows: 'added' }) },
  );
}

/** The parts of a layer's attention, or of what stands in its place, in the order that a token passes them. */
export function attentionBranch(data: ModelData, actions: ModelActions, block: BlockParts, mixer: MixerPart): TemplateResult {
  const { attentionNorms, beside } = block;
  const { settings, explanation } = data;
  const { layer } = settings;
  const { norm, dim } = explanation.model;
  const to = (pathStep: 'attentionNorm' | 'heads' | 'laurel' | 'attentionOutput' | 'attentionPostNorm' | 'attentionStreamNorm') => () =>
    actions.go({ tab: 'forward', layer, pathStep });
  const isAttention = mixer.kind === 'attention';
  return html`<div class="block-branch attention" role="group" aria-label=${mixerTitle(block)}>
    ${attentionNorms.pre ? partTemplate(norm, [t('before')], { go: to('attentionNorm'), kind: 'norm' }) : nothing}
    ${
      isAttention
        ? partTemplate(
            t('Queries, keys, values'),
            [sharingTemplate(mixer), ...mixerFacts(mixer), ...queryFacts(mixer), parametersText(mixer.parameters - mixer.outputParameters)],
            {
              go: to('heads'),
            },
          )
        : recurrenceTemplate(mixer, true, () => actions.go({ tab: 'attention', layer }))
    }
    ${isAttention ? headsTemplate(data, actions) : nothing}
    ${
      isAttention
        ? partTemplate(
            t('Projection'),
            [t('{0} → {1} numbers', integer(mixer.heads * mixer.valueDim), integer(dim)), parametersText(mixer.outputParameters)],
            { go: to('attentionOutput') },
          )
        : nothing
    }
    ${beside === null ? nothing : recurrenceTemplate(beside, false, () => actions.go({ tab: 'attention', layer }))}
    ${attentionNorms.post ? partTemplate(norm, [t('behind')], { go: to('attentionPostNorm'), kind: 'norm' }) : nothing}
    ${
      block.laurel === null
        ? nothing
        : partTemplate(t('LAuReL'), [t('a narrow pair of matrices beside attention'), parametersText(block.laurel)], {
            go: to('laurel'),
          })
    }
    ${attentionNorms.stream ? partTemplate(norm, [t('of the sum')], { go: to('attentionStreamNorm'), kind: 'norm' }) : nothing}
    ${towards(data, actions, 0)}
  </div>`;
}

/** A part that keeps a state, alone or beside attention. */
function recurrenceTemplate(part: RecurrencePart, isAlone: boolean, go: () => void): TemplateResult {
  return partTemplate(recurrenceTitle(part), [...recurrenceFacts(part, isAlone), parametersText(part.parameters)], { go });
}

/** The parts of a layer's MLP or experts likewise. */
export function mlpBranch(data: ModelData, actions: ModelActions, block: BlockParts, mlp: MlpPart): TemplateResult {
  const { mlpNorms } = block;
  const { settings, explanation } = data;
  const { layer } = settings;
  const { norm, dim } = explanation.model;
  const to = (pathStep: 'mlpNorm' | 'mlp' | 'router' | 'mlpPostNorm' | 'mlpStreamNorm') => () =>
    actions.go({ tab: 'forward', layer, pathStep });
  return html`<div class="block-branch mlp" role="group" aria-label=${mlp.experts === null ? t('MLP') : t('Experts')}>
    ${mlpNorms.pre ? partTemplate(norm, [t('before')], { go: to('mlpNorm'), kind: 'norm' }) : nothing}
    ${partTemplate(
      mlp.experts === null ? t('MLP') : t('Experts'),
      [mlpShapeTemplate(data, mlp), ...mlpFacts(mlp, dim), ...(mlp.experts === null ? [parametersText(mlp.parameters)] : [])],
      { go: mlp.experts === null ? to('mlp') : () => actions.go({ tab: 'experts', expertLayer: layer }), kind: 'wide' },
    )}
    ${mlpNorms.post ? partTemplate(norm, [t('behind')], { go: to('mlpPostNorm'), kind: 'norm' }) : nothing}
    ${mlpNorms.stream ? partTemplate(norm, [t('of the sum')], { go: to('mlpStreamNorm'), kind: 'norm' }) : nothing}
    ${towards(data, actions, 1)}
    ${
      block.perLayer === null
        ? nothing
        : partTemplate(t('Per-layer embedding'), [t('the token’s vector for this layer, gated'), parametersText(block.perLayer)], {
            go: () => actions.go({ tab: 'forward', layer, pathStep: 'perLayer' }),
          })
    }
  </div>`;
}
