import { html, nothing, type TemplateResult } from 'lit-html';
import type { BlockParts, MlpPart } from '../../../src/core/architecture.ts';
import type { LayerFlow } from '../../figures/modelFlow.ts';
import { integer, significant } from '../../parts/format.ts';
import { besideTemplate, sentenceTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';
import { blockKind, mixerAdds, mixerTitle, parametersText } from './modelTexts.ts';
import { attentionBranch, mlpBranch } from './modelBranches.ts';

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
      <h3>${t('Layer {0}', layer)}${besideTemplate(kind !== '' && kind)}</h3>
      <p class="caption">
        ${t('One of {0} layers, for token {1}. Press a part to see it compute.', integer(explanation.model.layers), tokenName(data))}
      </p>
    </div>
    <div class="block-way">
      ${nodeTemplate(t('Into the layer'), own?.before, '')}
      ${block.mixer === null ? nothing : attentionBranch(data, actions, block, block.mixer)}
      ${
        isParallel || block.mixer === null
          ? nothing
          : nodeTemplate(t('After {0}', mixerName), block.mlp === null ? own?.after : own?.between, mixerAdded(block, own))
      }
      ${block.mlp === null ? nothing : mlpBranch(data, actions, block, block.mlp)}
      ${
        block.mlp === null
          ? nothing
          : nodeTemplate(
              t('After {0}', isParallel ? `${mixerName} + ${mlpName}` : mlpName),
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
  const said = length === undefined ? '' : sentenceTemplate(t('length {0}'), html`<strong>${significant(length, 3)}</strong>`);
  return html`<div class="block-node">
    <span class="node-mark" aria-hidden="true"></span>
    <p>
      <span class="node-name">${name}</span>
      <span>${said}</span>
      <span class="node-added">${added}</span>
    </p>
  </div>`;
}

/** How long what each of the two steps adds is, as a sentence; empty: not known yet. */
function mixerAdded(block: BlockParts, flow: LayerFlow | undefined): string {
  return flow === undefined ? '' : t('{0}.', mixerAdds(block, flow.attention));
}

function mlpAdded(name: string, flow: LayerFlow | undefined): string {
  return flow === undefined ? '' : t('{0}.', t('{0} adds a vector of length {1}', name, significant(flow.mlp, 3)));
}

function mlpTitle(mlp: MlpPart | null): string {
  return mlp === null || mlp.experts === null ? t('MLP') : t('Experts');
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
