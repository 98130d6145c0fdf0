import { html, nothing, type TemplateResult } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import { integer, percent } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';
import { parametersText, positionText } from './modelTexts.ts';

/** Tokens shown around the selected one, and candidates for the next. */
const AROUND = 3;
const CANDIDATES = 5;

/** A part of the picture that leads to its view. */
export function partTemplate(
  title: string,
  lines: readonly (string | TemplateResult)[],
  { go, dimmed = false, kind = '' }: { go: () => void; dimmed?: boolean; kind?: string },
): TemplateResult {
  return html`<button type="button" class="part ${kind}" ?data-dimmed=${dimmed} @click=${go}>
    <span class="part-title">${title}</span>
    ${lines.map((line) => html`<span class="part-line">${line}</span>`)}
  </button>`;
}

/** What comes before the layers: the text, its tokens and the embedding with positions. */
export function startTemplate(data: ModelData, { go }: ModelActions, dimmed: (place: number) => boolean): TemplateResult {
  const { explanation, architecture, settings, labels } = data;
  const { model, tokens } = explanation;
  const { selected } = settings;
  const first = Math.max(0, Math.min(selected - AROUND, tokens.length - 2 * AROUND - 1));
  const near = labels.slice(first, first + 2 * AROUND + 1);
  const { embedding, positionParameters, perLayerParameters, streams } = architecture;
  return html`<div class="model-end start">
    ${partTemplate(
      t('Text and tokens'),
      [
        html`<span class="part-tokens">
          ${near.map((label, index) => html`<span class="token-text chip" ?data-selected=${first + index === selected}>${label}</span>`)}
        </span>`,
        [t('position {0}', integer(selected)), t('id {0}', integer(tokens[selected]?.id ?? 0))].join(' · '),
      ],
      { go: () => go({ tab: 'tokens' }), dimmed: dimmed(0) },
    )}
    ${partTemplate(
      t('Embedding'),
      [
        t('One of {0} rows of {1} numbers ({2})', integer(model.vocab), integer(embedding.width), parametersText(embedding.parameters)),
        ...(embedding.projected ? [t('taken to {0} numbers by a matrix', integer(model.dim))] : []),
        ...(embedding.normed ? [t('and normed')] : []),
        positionText(model, positionParameters),
        ...(perLayerParameters > 0
          ? [t('Each layer also reads a vector of the token’s own ({0}).', parametersText(perLayerParameters))]
          : []),
        ...(streams === null
          ? []
          : [t('Of it {0} residual streams are made, which run side by side ({1}).', streams.count, parametersText(streams.parameters))]),
      ],
      { go: () => go({ tab: 'embeddings', embeddingLayer: -1 }), dimmed: dimmed(1) },
    )}
  </div>`;
}

/** What comes behind the layers: the final norm, the logits and the draw. */
export function finishTemplate(data: ModelData, { go }: ModelActions, dimmed: (place: number) => boolean): TemplateResult {
  const { explanation, architecture } = data;
  const { model } = explanation;
  const { finalNorm, unembedding } = architecture;
  return html`<div class="model-end finish">
    ${
      finalNorm === null
        ? nothing
        : partTemplate(model.norm, [t('the final norm')], {
            go: () => go({ tab: 'forward', pathStep: 'finalNorm' }),
            dimmed: dimmed(-3),
          })
    }
    ${partTemplate(
      t('Logits'),
      [
        t('{0} scores, one for each token of the vocabulary', integer(model.vocab)),
        unembedding.tied ? t('by the rows of the embedding, used again') : parametersText(unembedding.parameters),
      ],
      { go: () => go({ tab: 'forward', pathStep: 'logits' }), dimmed: dimmed(-2) },
    )}
    ${partTemplate(t('Next token'), [candidatesTemplate(data)], { go: () => go({ tab: 'predictions' }), dimmed: dimmed(-1) })}
  </div>`;
}

/** The likeliest next tokens with bars; the one that follows in the text is marked. */
function candidatesTemplate({ explanation, settings: { selected } }: ModelData): TemplateResult {
  const { topK, topIds, topProbs, pieces, tokens } = explanation;
  const next = tokens[selected + 1]?.id;
  const rows = Array.from({ length: Math.min(CANDIDATES, topK) }, (_, place) => selected * topK + place).map((place) => ({
    id: at(topIds, place),
    probability: at(topProbs, place),
  }));
  return html`<span class="drawn">
    ${rows.map(
      ({ id, probability }) =>
        html`<span class="drawn-token" ?data-actual=${id === next}>
          <span class="token-text">${visibleText(pieces[id] ?? '')}</span>
          <span class="drawn-bar" aria-hidden="true"><span style="width: ${(100 * probability).toFixed(2)}%"></span></span>
          <span class="drawn-share">${percent(probability)}</span>
          ${id === next ? html`<span class="drawn-actual">${t('(in the text)')}</span>` : nothing}
        </span>`,
    )}
  </span>`;
}
