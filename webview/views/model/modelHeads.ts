import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { AttentionPart } from '../../../src/core/architecture.ts';
import { at } from '../../../src/core/tensor.ts';
import type { HeadReads } from '../../../src/core/tokenFlow.ts';
import { strongestHeads } from '../../figures/modelFlow.ts';
import { columnDecimals, decimal, percent, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';

/** Heads shown with threads. */
const SHOWN = 6;
/** Most groups of heads drawn one by one. */
const MOST_GROUPS = 64;
/** Pixels of a row of the threads. */
const ROW = 26;

/** Query heads in groups over the keys and values that they share. */
export function sharingTemplate({ heads, kvHeads }: AttentionPart): TemplateResult {
  const each = heads / kvHeads;
  if (kvHeads > MOST_GROUPS) return html``;
  return html`<span class="sharing" aria-hidden="true">
    ${Array.from(
      { length: kvHeads },
      () =>
        html`<span class="share-group">
          <span class="share-queries">${Array.from({ length: each }, () => html`<span></span>`)}</span><span class="share-key"></span>
        </span>`,
    )}
  </span>`;
}

/** The strongest heads, as threads from the tokens that they read to what they add. */
export function headsTemplate(data: ModelData, actions: ModelActions): TemplateResult {
  const known = data.layerAnswer?.reads;
  return html`<div class="part-open heads" role="group" aria-label=${t('Strongest heads')}>
    <p class="part-title">${t('Strongest heads')}</p>
    ${
      known === undefined
        ? html`<p class="part-line">…</p>`
        : typeof known === 'string'
          ? html`<p class="part-line">${known}</p>`
          : threadsTemplate(known, data, actions)
    }
  </div>`;
}

function threadsTemplate(
  reads: HeadReads,
  { labels, settings, explanation }: ModelData,
  { go, mark, select }: ModelActions,
): TemplateResult {
  const { lengths, keys, weights, most, layer } = reads;
  const heads = strongestHeads(lengths, SHOWN);
  const largest = lengths.reduce((longest, one) => Math.max(longest, one), 1e-9);
  const decimals = columnDecimals(largest, 2);
  const keyOf = (head: number, place: number): number => at(keys, head * most + place);
  const places = Array.from({ length: most }, (_, place) => place);
  const tokens = [...new Set(heads.flatMap((head) => places.map((place) => keyOf(head, place))))].sort((a, b) => a - b);
  const rows = Math.max(tokens.length, heads.length);
  const y = (index: number, count: number): number => ((index + 0.5) * rows * ROW) / count;
  return html`<div class="threads" style="--rows: ${rows}; --row: ${ROW}px">
      <div class="thread-tokens">
        ${tokens.map(
          (token) =>
            html`<button
              type="button"
              class="token-text chip thread-token"
              title=${t('Token {0}', token)}
              ?data-selected=${token === settings.selected}
              @click=${() => select(token)}
              @mouseenter=${() => mark([token])}
              @mouseleave=${() => mark([])}
              .textContent=${labels[token] ?? ''}
            ></button>`,
        )}
      </div>
      <svg class="thread-lines" viewBox="0 0 100 ${rows * ROW}" preserveAspectRatio="none" aria-hidden="true">
        ${heads.flatMap((head, index) =>
          places.map((place) => {
            const [from, to] = [y(tokens.indexOf(keyOf(head, place)), tokens.length), y(index, heads.length)];
            const weight = at(weights, head * most + place);
            const look = `opacity: ${(0.08 + 0.92 * weight).toFixed(3)}; stroke-width: ${(0.75 + 4 * weight).toFixed(2)}px`;
            return svg`<path d="M0 ${from} C 50 ${from}, 50 ${to}, 100 ${to}" style=${look} />`;
          }),
        )}
      </svg>
      <div class="thread-heads">
        ${heads.map((head) => {
          const read = places.map((place) => `${labels[keyOf(head, place)] ?? ''} ${percent(at(weights, head * most + place))}`);
          const said = t('Head {0} adds a vector of length {1}; it reads {2}', head, significant(at(lengths, head), 3), read.join(', '));
          return html`<button type="button" class="thread-head" title=${said} @click=${() => go({ tab: 'attention', layer, head })}>
            <span class="visually-hidden">${said}</span>
            <span class="head-name" aria-hidden="true">${t('head {0}', head)}</span>
            <span class="head-bar" aria-hidden="true"
              ><span style="width: ${((100 * at(lengths, head)) / largest).toFixed(1)}%"></span
            ></span>
            <span class="head-length" aria-hidden="true">${decimal(at(lengths, head), decimals)}</span>
          </button>`;
        })}
      </div>
    </div>
    <p class="part-line">
      ${t('Threads: attention weights. Bars: length of the vector that a head adds.')}
      ${explanation.model.heads > heads.length ? t('{0} of {1} heads.', heads.length, explanation.model.heads) : nothing}
    </p>`;
}
