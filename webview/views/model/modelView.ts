import { html, nothing, render } from 'lit-html';
import type { Architecture } from '../../../src/core/architecture.ts';
import { CancelledError, messageOf } from '../../../src/core/errors.ts';
import { KEYS_TOLD } from '../../../src/protocol/queries.ts';
import type { TokenFlow } from '../../../src/core/tokenFlow.ts';
import type { LensWindow } from '../../../src/core/trace.ts';
import { markTokens, selectToken, tokenLabels, type PanelContext, type View } from '../../context.ts';
import { layerFlows, lensCells, positionsAround } from '../../figures/modelFlow.ts';
import { el } from '../../parts/dom.ts';
import { isUnfolded, keepFold, pressToFold } from '../../parts/foldout.ts';
import { compact, integer } from '../../parts/format.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Host } from '../../vscodeApi.ts';
import { blockTemplate } from './modelBlock.ts';
import type { LayerAnswer, ModelActions, ModelData } from './modelData.ts';
import { finishTemplate, startTemplate } from './modelEnds.ts';
import { parametersTemplate } from './modelParameters.ts';
import { createModelPlay } from './modelPlay.ts';
import { riverTemplate } from './modelRiver.ts';
import { createModelTable, type ModelTable } from './modelTable.ts';

/** The Model tab: the model's parts drawn from its own files, with the selected token's numbers on their way through them. */
export function createModel(context: PanelContext): View {
  const { store } = context;
  const picture = el('div', { class: 'model-picture', 'data-template': true });
  const root: HTMLElement = el('div', { class: 'model-view' });
  const draw = (): void => show(store.state());
  const play = createModelPlay(context, draw);
  const table = createModelTable();
  const around = ({ shown, settings }: ViewState) =>
    shown === null
      ? { position: 0, positions: 1 }
      : positionsAround(settings.selected, shown.explanation.tokens.length, shown.explanation.model);
  const parts = question<Architecture>(context, {
    busy: () => root,
    parts: [picture],
    ask: (_, query) => query('architecture', 'architecture', {}),
    answered: (_, state) => {
      askInside(state);
      askFlow(state);
    },
    draw,
  });
  const flow = question<TokenFlow>(context, {
    busy: () => picture,
    parts: [],
    ask: (state, query) => query('flow', 'tokenFlow', around(state)),
    draw,
  });
  const lens = question<LensWindow>(context, {
    busy: () => picture,
    parts: [],
    ask: (state, query) => {
      const layers = (state.shown?.explanation.model.layers ?? 0) + 1;
      return query('modelLens', 'lens', { layer: 0, layers, ...around(state) });
    },
    draw,
  });
  const inside = question<LayerAnswer>(context, {
    busy: () => picture,
    parts: [],
    ask: ({ settings: { layer, selected } }, query) => layerAnswer(query, layer, selected, parts.answer()),
    draw,
  });
  const actions: ModelActions = {
    openLayer: (layer) => store.dispatch({ type: 'settings', change: { layer } }),
    go: (change) => store.dispatch({ type: 'settings', change }),
    select: (token) => selectToken(context, token),
    mark: (tokens) => markTokens(context, tokens),
    fold: (name, open) => keepFold(store, name, open),
  };
  /** Of several streams none has all that a layer adds. */
  function askFlow(state: ViewState): void {
    const { position, positions } = around(state);
    if (state.shown !== null && parts.answer()?.streams === null) flow.update(state, state.shown, position, positions);
  }
  function askInside(state: ViewState): void {
    const { layer, selected } = state.settings;
    inside.update(state, state.shown, layer, selected, parts.answer());
  }
  root.append(parts.notice, flow.notice, lens.notice, inside.notice, picture);

  function show({ shown, settings }: ViewState): void {
    const architecture = parts.answer();
    if (shown === null || architecture === undefined) return;
    const { explanation } = shown;
    const labels = tokenLabels(explanation);
    const [flows, window, answer] = [flow.answer(), lens.answer(), inside.answer()];
    const { layer, selected } = settings;
    const data = {
      explanation,
      architecture,
      settings,
      labels,
      flows: flows === undefined || architecture.streams !== null ? null : layerFlows(flows, selected),
      cells: window === undefined ? null : lensCells(window, selected),
      layerAnswer: answer?.layer === layer && answer.token === selected ? answer : null,
    };
    render(pictureTemplate(data, actions, play, table), picture);
  }
  return {
    root,
    update: (state) => {
      const { shown } = state;
      if (shown === null) return;
      play.update(state);
      const { position, positions } = around(state);
      parts.update(state, shown);
      lens.update(state, shown, position, positions);
      askFlow(state);
      askInside(state);
    },
  };
}

/** What the open layer does to the token. Heads and steps that cannot be told apart are left out with the reason. */
async function layerAnswer(
  query: Host['query'],
  layer: number,
  token: number,
  architecture: Architecture | undefined,
): Promise<LayerAnswer | string> {
  const block = architecture?.blocks[layer];
  if (block === undefined) return '';
  const [reads, added, routing] = await Promise.all([
    block.mixer?.kind === 'attention'
      ? orSentence(query('modelHeads', 'headReads', { layer, token, most: KEYS_TOLD }))
      : t('No heads to tell apart: this layer has no attention weights.'),
    orSentence(query('modelAdded', 'lensAdded', { layer: 2 * layer, layers: 2, position: token, positions: 1 })),
    block.mlp === null || block.mlp.experts === null ? null : query('modelExperts', 'experts', { layer }),
  ]);
  return { layer, token, reads, added: typeof added === 'string' ? null : added, routing };
}

async function orSentence<Answer>(asked: Promise<Answer>): Promise<Answer | string> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return messageOf(error);
  }
}

function pictureTemplate(data: ModelData, actions: ModelActions, play: ReturnType<typeof createModelPlay>, table: ModelTable) {
  const { explanation, architecture, settings } = data;
  const { model } = explanation;
  return html`
    <header class="model-head">
      <div>
        <h2>${model.name}</h2>
        <p class="caption">
          ${t(
            '{0} parameters · {1} layers · {2} heads a layer · {3} numbers for each token · vocabulary of {4}',
            compact(model.parameters),
            integer(model.layers),
            integer(model.heads),
            integer(model.dim),
            integer(model.vocab),
          )}
        </p>
      </div>
      ${play.button}
    </header>
    <div class="model-flow" data-station=${play.station() ?? nothing}>
      ${startTemplate(data, actions, play.dimmed)} ${riverTemplate(data, actions, play.dimmed)}
      ${finishTemplate(data, actions, play.dimmed)}
    </div>
    <p class="model-said caption" aria-live="polite">${play.said()}</p>
    ${blockTemplate(data, actions)} ${parametersTemplate(architecture)}
    <details
      class="model-table"
      ?open=${isUnfolded(settings, 'modelTable')}
      @toggle=${({ target }: Event) => target instanceof HTMLDetailsElement && actions.fold('modelTable', target.open)}
    >
      <summary @click=${(event: Event) => pressToFold(event, (open) => actions.fold('modelTable', open))}>
        ${t('The numbers of token {0} in a table', integer(settings.selected))}
      </summary>
      ${table.template(data)}
    </details>
  `;
}
