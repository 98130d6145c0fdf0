import { html, nothing, type TemplateResult } from 'lit-html';
import { visibleText } from '../../../src/core/visibleText.ts';
import { decidedAt, longest, streamShape, type LayerFlow, type LensCell } from '../../figures/modelFlow.ts';
import { stepKey } from '../../parts/dom.ts';
import { percent, significant } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { t } from '../../strings.ts';
import type { ModelActions, ModelData } from './modelData.ts';
import { attentionName, blockKind, mixerAdds } from './modelTexts.ts';

/** Most layers whose predictions have a label each, and most of them with a number each. */
const MOST_LABELS = 24;
const MOST_NUMBERS = 16;

/** All layers side by side: the stream as thick as it is long, what each layer adds to it, and what the model would predict there. */
export function riverTemplate(data: ModelData, { openLayer }: ModelActions, dimmed: (place: number) => boolean): TemplateResult {
  const { architecture, settings, flows, cells } = data;
  const { streams } = architecture;
  const scale = longest(flows ?? []);
  const count = architecture.blocks.length;
  const move = (event: KeyboardEvent): void => {
    const next = stepKey(plainKey(event), settings.layer, count);
    if (next === undefined || !(event.currentTarget instanceof Element)) return;
    event.preventDefault();
    openLayer(next);
    event.currentTarget.querySelectorAll<HTMLElement>('.river-layer')[next]?.focus();
  };
  const decided = cells === null ? null : decidedAt(cells);
  return html`<div
    class="river"
    role="group"
    aria-label=${t('Layers')}
    style="--layers: ${count}"
    ?data-several=${streams !== null}
    @keydown=${move}
  >
    <p class="river-caption stream-caption">
      ${
        streams === null
          ? t('Residual stream: as thick as the token’s vector is long')
          : t('{0} residual streams, drawn without lengths', streams.count)
      }
    </p>
    <p class="river-caption added-caption" ?hidden=${streams !== null}>
      <span>${t('What is added, to a scale of its own:')}</span>
      <span class="key attention">${attentionName(architecture)}</span>
      <span class="key mlp">${t('MLP')}</span>
    </p>
    <p class="river-caption lens-caption">${t('If the model stopped here')}</p>
    ${architecture.blocks.map((block, layer) =>
      layerTemplate({
        layer,
        kind: blockKind(block),
        mixer: block.mixer === null ? null : (length) => mixerAdds(block, length),
        hasMlp: block.mlp !== null,
        isOpen: layer === settings.layer,
        isDimmed: dimmed(layer + 2),
        isParallel: block.wiring === 'parallel',
        isNumbered: count <= MOST_NUMBERS || layer % Math.ceil(count / MOST_NUMBERS) === 0 || layer === count - 1,
        isLabelled: count <= MOST_LABELS || layer % Math.ceil(count / MOST_LABELS) === 0 || layer === count - 1,
        isDecided: decided !== null && layer + 1 >= decided,
        streams: streams?.count ?? 0,
        flow: flows?.[layer],
        cell: cells?.[layer + 1],
        scale,
        open: () => openLayer(layer),
      }),
    )}
  </div>`;
}

interface RiverLayer {
  readonly layer: number;
  readonly kind: string;
  /** What its attention adds, in words; null: the layer has none, nor what stands in its place. */
  readonly mixer: ((length: number) => string) | null;
  readonly hasMlp: boolean;
  readonly isOpen: boolean;
  readonly isDimmed: boolean;
  readonly isParallel: boolean;
  readonly isNumbered: boolean;
  readonly isLabelled: boolean;
  /** Whether the last prediction is on top from here on. */
  readonly isDecided: boolean;
  /** Streams that are drawn side by side without a length; 0: the one stream has one. */
  readonly streams: number;
  readonly flow: LayerFlow | undefined;
  readonly cell: LensCell | undefined;
  readonly scale: ReturnType<typeof longest>;
  readonly open: () => void;
}

function layerTemplate(view: RiverLayer): TemplateResult {
  const { layer, flow, cell, scale, isOpen, isParallel } = view;
  const said = describe(view);
  return html`<button
    type="button"
    class="river-layer"
    style="grid-column: ${layer + 1}"
    aria-expanded=${isOpen}
    title=${said}
    tabindex=${isOpen ? 0 : -1}
    ?data-dimmed=${view.isDimmed}
    @click=${view.open}
  >
    <span class="visually-hidden">${said}</span>
    <span class="river-number" aria-hidden="true">${view.isNumbered || isOpen ? layer : ''}</span>
    <span class="river-stream" ?data-several=${view.streams > 0}>
      ${Array.from({ length: view.streams }, () => html`<span></span>`)}
      ${flow === undefined ? nothing : html`<span style="clip-path: ${streamShape(flow, scale.stream, isParallel)}"></span>`}
    </span>
    ${
      view.streams > 0
        ? nothing
        : html`<span class="river-added">
            <span class="attention" ?data-absent=${view.mixer === null} style="height: ${share(flow?.attention, scale.added)}"></span>
            <span class="mlp" ?data-absent=${!view.hasMlp} style="height: ${share(flow?.mlp, scale.added)}"></span>
          </span>`
    }
    <span class="river-lens" aria-hidden="true" ?data-decided=${view.isDecided}>
      ${
        cell === undefined || !(view.isLabelled || isOpen)
          ? nothing
          : html`<span class="river-guess">
              <span class="token-text">${visibleText(cell.piece)}</span><span class="river-share">${percent(cell.probability)}</span>
            </span>`
      }
    </span>
  </button>`;
}

function share(length: number | undefined, scale: number): string {
  return length === undefined || !Number.isFinite(length) ? '0' : `${((100 * length) / scale).toFixed(2)}%`;
}

function describe({ layer, kind, mixer, hasMlp, flow, cell }: RiverLayer): string {
  const name = kind === '' ? t('Layer {0}', layer) : t('Layer {0} ({1})', layer, kind);
  return [
    name,
    ...(flow === undefined ? [] : [added(flow, mixer, hasMlp)]),
    ...(cell === undefined ? [] : [t('would predict {0}, {1}', visibleText(cell.piece), percent(cell.probability))]),
  ].join(': ');
}

/** What the layer's steps add, those that it has, and how long the token's vector is then. */
function added({ attention, mlp, after }: LayerFlow, mixer: RiverLayer['mixer'], hasMlp: boolean): string {
  const [ofMlp, then] = [significant(mlp, 3), significant(after, 3)];
  if (mixer !== null && hasMlp)
    return t('{0}; MLP adds one of length {1}; then the token’s vector has length {2}', mixer(attention), ofMlp, then);
  const alone = mixer === null ? t('{0} adds a vector of length {1}', t('MLP'), ofMlp) : mixer(attention);
  return t('{0}; then the token’s vector has length {1}', alone, then);
}
