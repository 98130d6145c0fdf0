import { html, nothing, type TemplateResult } from 'lit-html';
import type { BlockParts, MixerPart, MlpPart, RecurrencePart } from '../../../src/core/architecture.ts';
import { at } from '../../../src/core/tensor.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { LayerFlow } from '../../figures/modelFlow.ts';
import { integer, significant, signedDecimal } from '../../parts/format.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';
import { partTemplate } from './modelEnds.ts';
import { headsTemplate, sharingTemplate } from './modelHeads.ts';
import { mlpShapeTemplate } from './modelMlp.ts';
import {
  blockKind,
  mixerAdds,
  mixerFacts,
  mixerTitle,
  mlpFacts,
  parametersText,
  queryFacts,
  recurrenceFacts,
  recurrenceTitle,
} from './modelTexts.ts';

/** The open layer: the stream runs down on the left, and its two steps leave it and come back. */
export function blockTemplate(data: ModelData, actions: ModelActions): TemplateResult | typeof nothing {
  const { architecture, settings, flows, explanation } = data;
  const { layer } = settings;
  const block = architecture.blocks[layer];
  if (block === undefined) return nothing;
  const own = flows?.[layer];
  const kind = blockKind(block);
  const isParallel = block.wiring === 'parallel';
  const mixerName = mixerTitle(block);
  const mlpName = mlpTitle(block.mlp);
  return html`<section class="card model-block" aria-label=${t('Layer {0}', layer)}>
    <div class="card-head">
      <h3>${t('Layer {0}', layer)}<span class="beside">${kind}</span></h3>
      <p class="caption">
        ${t('One of {0} layers, for token {1}. Press a part to see it compute.', integer(explanation.model.layers), tokenName(data))}
      </p>
    </div>
    <div class="block-way">
      ${nodeTemplate(t('in'), own?.before, '')} ${block.mixer === null ? nothing : attentionBranch(data, actions, block, block.mixer)}
      ${
        isParallel || block.mixer === null
          ? nothing
          : nodeTemplate(`+ ${mixerName}`, block.mlp === null ? own?.after : own?.between, mixerAdded(block, own))
      }
      ${block.mlp === null ? nothing : mlpBranch(data, actions, block, block.mlp)}
      ${
        block.mlp === null
          ? nothing
          : nodeTemplate(
              isParallel ? `+ ${mixerName} + ${mlpName}` : `+ ${mlpName}`,
              own?.after,
              isParallel ? [mixerAdded(block, own), mlpAdded(mlpName, own)].join(' ') : mlpAdded(mlpName, own),
            )
      }
    </div>
    ${notesTemplate(block)}
  </section>`;
}

function tokenName({ labels, settings }: ModelData): string {
  return `“${labels[settings.selected] ?? ''}”`;
}

/** A place of the stream: its length, and what was added there. */
function nodeTemplate(name: string, length: number | undefined, added: string): TemplateResult {
  return html`<div class="block-node">
    <span class="node-mark" aria-hidden="true"></span>
    <p>
      <span class="node-name">${name}</span>
      ${length === undefined ? nothing : html`<strong>${significant(length, 3)}</strong> <span class="muted">${t('long')}</span>`}
      <span class="node-added">${added}</span>
    </p>
  </div>`;
}

/** How long what each of the two steps adds is, as a sentence; empty: not known yet. */
function mixerAdded(block: BlockParts, flow: LayerFlow | undefined): string {
  return flow === undefined ? '' : t('{0}.', mixerAdds(block, flow.attention));
}

function mlpAdded(name: string, flow: LayerFlow | undefined): string {
  return flow === undefined ? '' : t('{0}.', t('{0} adds {1}', name, significant(flow.mlp, 3)));
}

/** The tokens that a step raises and lowers most by itself. */
function towards({ layerAnswer, settings, explanation }: ModelData, { go }: ModelActions, place: 0 | 1): TemplateResult | typeof nothing {
  const known = layerAnswer?.added ?? null;
  if (known === null) return nothing;
  const { raisedIds, raised, loweredIds, lowered, next, nextRank, pieces } = known;
  const line = (id: number, by: number): TemplateResult =>
    html`<span class="token-text chip">${visibleText(pieces[id] ?? '')}</span> ${signedDecimal(by, 2)}`;
  const follows = explanation.tokens[settings.selected + 1];
  return partTemplate(
    t('By itself it points to'),
    [
      html`${t('raised most')} ${line(at(raisedIds, place), at(raised, place))}`,
      html`${t('lowered most')} ${line(at(loweredIds, place), at(lowered, place))}`,
      ...(follows === undefined
        ? []
        : [t('the token that follows: {0}, rank {1}', signedDecimal(at(next, place), 2), integer(at(nextRank, place)))]),
    ],
    { go: () => go({ tab: 'predictions', lensRows: 'added' }) },
  );
}

function mlpTitle(mlp: MlpPart | null): string {
  return mlp === null || mlp.experts === null ? t('MLP') : t('Experts');
}

function attentionBranch(data: ModelData, actions: ModelActions, block: BlockParts, mixer: MixerPart): TemplateResult {
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

function mlpBranch(data: ModelData, actions: ModelActions, block: BlockParts, mlp: MlpPart): TemplateResult {
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

/** Sentences about what sets the layer's wiring apart. */
function notesTemplate({ wiring, addTo, scaled, attentionNorms, altUp }: BlockParts): TemplateResult {
  const notes = [
    t('Lengths do not add up as numbers do: vectors that point apart make a shorter sum.'),
    ...(wiring === 'parallel' ? [t('Attention and MLP both read what comes in, side by side.')] : []),
    ...(addTo === 'normed' ? [t('What a step adds is added to the normed vector, not to the stream itself.')] : []),
    ...(attentionNorms.post && !attentionNorms.pre ? [t('The norms stand behind the steps, not before them.')] : []),
    ...(altUp === null
      ? []
      : [
          t(
            'Before the layer every stream is predicted from all of them, behind it every one is corrected by what the layer made ' +
              'of the active one (AltUp: {0}).',
            parametersText(altUp),
          ),
        ]),
    ...(scaled
      ? [t('The whole stream is multiplied by a number last; what a step adds is told as much as is left of it at the end.')]
      : []),
  ];
  return html`<p class="caption">${explained(notes.join(' '))}</p>`;
}
