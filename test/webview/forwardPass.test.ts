// @vitest-environment happy-dom
import { render } from 'lit-html';
import { describe, expect, it } from 'vitest';
import { stageOf, type ForwardPath, type WeightedSum } from '../../src/core/forwardPath.ts';
import { at } from '../../src/core/tensor.ts';
import type { QueryArgs, PageQueryName, QueryResult } from '../../src/protocol/queries.ts';
import { arithmeticOf, SHOWN_TERMS } from '../../webview/figures/numberArithmetic.ts';
import {
  firstPlace,
  largestIndices,
  partOf,
  resultsOf,
  stagesOf,
  stepIn,
  stepsOf,
  WALK_STEPS,
  type Place,
  type WalkStep,
} from '../../webview/figures/pathSteps.ts';
import { columnsOf } from '../../webview/figures/strip.ts';
import { drawStep } from '../../webview/views/forward/drawStep.ts';
import { numberCard, numberTitle } from '../../webview/views/forward/numberCard.ts';
import { createStageView } from '../../webview/views/forward/stageView.ts';
import { createTooltip } from '../../webview/parts/tooltip.ts';
import { createStore, initialState } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { numberLabel, stageShape, stageTitle } from '../../webview/views/forward/stageTexts.ts';
import { stepText } from '../../webview/views/forward/stepTexts.ts';
import { attentionName, positionText } from '../../webview/views/model/modelTexts.ts';
import { FAMILY_TEXT, openFamily, type FamilyPanel } from './family.ts';

const ask = async <Name extends PageQueryName>({ answer }: FamilyPanel, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> =>
  answer({ name, args } as never);
const labels = Array.from(FAMILY_TEXT);
const REQUEST = { token: 9, layer: 0, head: 1, expert: 0 };
const pathOf = async (name: string, request = REQUEST): Promise<{ panel: FamilyPanel; path: ForwardPath }> => {
  const panel = await openFamily(name);
  return { panel, path: await ask(panel, 'forwardPath', request) };
};
const page = () => ({
  tooltip: createTooltip(document.body),
  store: createStore(
    initialState(
      readTheme(() => '', 'dark'),
      undefined,
    ),
    () => undefined,
  ),
});
const titles = (panel: FamilyPanel, path: ForwardPath): readonly string[] =>
  stepsOf(path).map((step) => stepText(step, path, panel.shown.explanation.model).title);
const sumAt = (panel: FamilyPanel, path: ForwardPath, { stage, index }: Place): Promise<WeightedSum> =>
  ask(panel, 'weightedSum', { ...REQUEST, layer: path.layer, head: path.head, stage, index });

describe('positions', () => {
  it('of a hybrid that rotates nothing are not said to be the mask’s alone', async () => {
    const { panel, path } = await pathOf('granitemoehybrid.1');
    const { model } = panel.shown.explanation;
    const [embedding] = stepsOf(path).map((step) => stepText(step, path, model).sentence);
    expect(embedding).toContain('Attention of this model has no positions but the causal mask; its other layers take in the tokens one');
    expect(positionText(model, 0)).toBe(
      'Nothing tells its place but the mask, and the order in which layers without attention take in the tokens.',
    );
    const name = async (of: FamilyPanel): Promise<string> => attentionName(await ask(of, 'architecture', {}));
    expect(await name(panel)).toBe('Attention, or what stands in its place');
    expect(await name(await openFamily('falcon_h1.1'))).toBe('Attention and what runs beside it');
  });
});

describe('a stage', () => {
  it('all of whose numbers are 0 says so: the state before the first token', async () => {
    const { path } = await pathOf('qwen3_5_text.1', { ...REQUEST, token: 0 });
    const textOf = (of: ForwardPath): string | null =>
      createStageView(of, stageOf(of.stages, 'stateBefore'), { labels, vocab: 32 }, page(), () => undefined).root.textContent;
    expect(textOf(path)).toBe('State before the token[6 × 5]All 30 numbers are 0: no token comes before this one.');
    expect(textOf({ ...path, token: 3 })).toContain('All 30 numbers are 0.');
  });
});

describe('the vectors of a step', () => {
  const opened = (path: ForwardPath, step: WalkStep): readonly string[] => [...resultsOf(path, step)];

  it('are open where the step hands them on, and folded where others of the step are made from them', async () => {
    const { path } = await pathOf('llama');
    expect(opened(path, 'heads')).toEqual(['query', 'key', 'value']);
    expect(opened(path, 'mlp')).toHaveLength(1);
    expect(stagesOf(path, 'mlp').length).toBeGreaterThan(1);
    expect(opened(path, 'layers')).toEqual(stagesOf(path, 'layers').map(({ name }) => name));
    for (const step of stepsOf(path).filter((name) => name !== 'draw')) expect(opened(path, step), step).not.toEqual([]);
  });

  it('stay as the user left them', async () => {
    const { path } = await pathOf('llama');
    const context = page();
    const view = createStageView(path, stageOf(path.stages, 'query'), { labels, vocab: 32 }, context, () => undefined);
    const isOpen = (initially: boolean): boolean => {
      view.show(-1, context.store.state(), initially);
      return (view.root as HTMLDetailsElement).open;
    };
    expect([isOpen(true), isOpen(false)]).toEqual([true, false]);
    (view.root as HTMLDetailsElement).open = true;
    view.root.dispatchEvent(new Event('toggle'));
    expect(context.store.state().settings.folds).toEqual({ 'stage-query': true });
    expect([isOpen(true), isOpen(false)]).toEqual([true, true]);
  });
});

describe('the steps', () => {
  it('are those of a GPT-2: learned positions, LayerNorm, GELU', async () => {
    const { panel, path } = await pathOf('gpt2');
    expect(titles(panel, path)).toEqual([
      'Token embedding',
      'Position: learned',
      'LayerNorm before attention',
      'Query, key and value of head 1',
      'Scores',
      'Scaling',
      'Causal mask',
      'Softmax',
      'Weighted sum of values',
      'Heads joined',
      'Output projection',
      'Residual: attention added',
      'LayerNorm before the MLP',
      'MLP: GELU (tanh)',
      'MLP: down',
      'Residual: MLP added',
      'Through all layers',
      'Final LayerNorm',
      'Unembedding: logits',
      'Probabilities',
      'The draw',
    ]);
  });

  it('are those of a Llama: rotary positions, RMSNorm, SwiGLU, and heads in groups', async () => {
    const { panel, path } = await pathOf('llama');
    expect(titles(panel, path)).toEqual([
      'Token embedding',
      'RMSNorm before attention',
      'Query, key and value of head 1',
      'Position: rotary',
      'Scores',
      'Scaling',
      'Causal mask',
      'Softmax',
      'Weighted sum of values',
      'Heads joined',
      'Output projection',
      'Residual: attention added',
      'RMSNorm before the MLP',
      'MLP: SwiGLU',
      'MLP: down',
      'Residual: MLP added',
      'Through all layers',
      'Final RMSNorm',
      'Unembedding: logits',
      'Probabilities',
      'The draw',
    ]);
    const { sentence } = stepText('heads', path, panel.shown.explanation.model);
    expect(sentence).toContain('4 query heads share 2 key and value heads: head 1 reads number 0.');
    expect(sentence).toContain('4 heads × 16 numbers = 64, the width of the stream.');
  });

  it('say what a model does otherwise', async () => {
    const gemma = await pathOf('gemma2.3');
    expect(titles(gemma.panel, gemma.path)).toEqual(
      expect.arrayContaining(['RMSNorm of attention’s output', 'RMSNorm of the MLP’s output', 'MLP: GeGLU']),
    );
    const windowed = gemma.panel.shown.explanation.model.traits?.layers.findIndex(({ window }) => window !== null) ?? -1;
    expect(titles(gemma.panel, await ask(gemma.panel, 'forwardPath', { ...REQUEST, layer: windowed }))).toContain('Causal mask and window');
    const { model } = gemma.panel.shown.explanation;
    expect(stepText('scale', gemma.path, model).sentence).toContain('A soft cap');
    expect(stepText('logits', gemma.path, model).formula).toContain('tanh');
    const phi = await pathOf('phi.1');
    expect(phi.path.parallel).toBe(true);
    expect(titles(phi.panel, phi.path)).not.toContain('LayerNorm before the MLP');
    expect(stepText('mlp', phi.path, phi.panel.shown.explanation.model).sentence).toContain('both read the layer’s input');
    const mixtral = await pathOf('mixtral.1');
    expect(titles(mixtral.panel, mixtral.path)).toEqual(
      expect.arrayContaining(['Router', 'Expert: down', 'Experts mixed', expect.stringMatching(/^Expert \d+: SwiGLU$/)]),
    );
    const alibi = await pathOf('bloom.2');
    expect(stepText('scale', alibi.path, alibi.panel.shown.explanation.model).sentence).toContain('ALiBi');
    const sink = await pathOf('gpt_oss.1');
    expect(stepText('softmax', sink.path, sink.panel.shown.explanation.model).sentence).toContain('sink');
    const latent = await pathOf('deepseek_v3.1');
    expect(stepText('heads', latent.path, latent.panel.shown.explanation.model).sentence).toContain('one compressed vector');
    const bare = await pathOf('olmo.1');
    expect(stepText('attentionNorm', bare.path, bare.panel.shown.explanation.model).sentence).not.toContain('learned');
    const post = await pathOf('olmo2.1');
    expect(titles(post.panel, post.path)).toContain('Into the layer');
  });

  it('lie in the order of the walk and in its four parts', async () => {
    for (const name of ['gpt2', 'gemma2.3', 'deepseek_v3.1', 'hunyuan_v1_dense.1', 'opt.4']) {
      const { path } = await pathOf(name);
      const places = stepsOf(path)
        .filter((step) => step !== 'headNorm' && step !== 'rotary' && step !== 'clip')
        .map((step) => WALK_STEPS.indexOf(step));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect([...new Set(stepsOf(path).map(partOf))]).toEqual(['input', 'attention', 'mlp', 'output']);
    }
  });

  it('lead to the nearest before them where another layer or model lacks them', async () => {
    const { path } = await pathOf('gpt2');
    expect(stepIn(path, 'rotary')).toBe('heads');
    expect(stepIn(path, 'mixture')).toBe('mlpOutput');
    expect(stepIn(path, 'draw')).toBe('draw');
    expect(firstPlace(path, 'draw')).toBeNull();
  });
});

describe('a number', () => {
  it.each([
    'gpt2',
    'llama',
    'gemma2.3',
    'phi.1',
    'mixtral.1',
    'deepseek_v3.1',
    'gpt_oss.1',
    'bloom.2',
    'qwen2_moe.1',
    'cohere.1',
    'hunyuan_v1_dense.1',
    'olmoe.1',
    'opt.4',
    'gemma3n_text.1',
    'qwen3_5_text.1',
    'granitemoehybrid.1',
    'lfm2.1',
  ])('of %s comes to what is shown, by the numbers beside it', async (name) => {
    const { panel, path } = await pathOf(name);
    let seen = 0;
    for (const stage of path.stages) {
      const largest = stage.values.reduce((max, value) => (Number.isFinite(value) ? Math.max(max, Math.abs(value)) : max), 1e-6);
      for (const index of new Set([0, largestIndices(stage.values, 1)[0] ?? 0, stage.values.length - 1])) {
        const place = { stage: stage.name, index };
        const sum = stage.made.kind === 'linear' ? await sumAt(panel, path, place) : null;
        const arithmetic = arithmeticOf(path, place, sum);
        if (arithmetic === null) throw new Error(`Nothing to show for ${stage.name}.`);
        const value = at(stage.values, index);
        if (arithmetic.kind === 'formula' || arithmetic.kind === 'sum') {
          expect(Math.abs(arithmetic.total - value) / largest, `${stage.name} ${index}`).toBeLessThan(2e-5);
          seen++;
        }
        if (arithmetic.kind === 'sum') {
          const shown = arithmetic.terms.reduce((total, term) => total + term.left * term.right, 0);
          const extra = arithmetic.extra === null ? 0 : arithmetic.extra.left * arithmetic.extra.right;
          expect(shown + arithmetic.rest.sum + extra + (arithmetic.bias ?? 0)).toBeCloseTo(arithmetic.total, 9);
          expect(arithmetic.terms.length).toBeLessThanOrEqual(SHOWN_TERMS);
          for (const { place: from, left } of arithmetic.terms)
            if (from !== null) expect(at(stageOf(path.stages, from.stage).values, from.index)).toBe(left);
        }
        if (arithmetic.kind === 'formula')
          for (const { place: from, value: part } of arithmetic.parts)
            if (from !== null && stage.made.kind !== 'norm') expect(at(stageOf(path.stages, from.stage).values, from.index)).toBe(part);
        if (arithmetic.kind === 'same' && arithmetic.place !== null)
          expect(at(stageOf(path.stages, arithmetic.place.stage).values, arithmetic.place.index)).toBeCloseTo(value, 5);
        if (arithmetic.kind === 'masked') expect(value).toBe(-Infinity);
        const host = document.createElement('div');
        const view = {
          path,
          place,
          labels,
          sum,
          goTo: () => undefined,
          canFollow: () => true,
          goToHead: () => undefined,
          goToLayer: () => undefined,
          goBefore: () => undefined,
        };
        render([numberTitle(view), numberCard(arithmetic, view)], host);
        expect(host.textContent).not.toMatch(/NaN|undefined|Infinity/);
      }
      expect(stageTitle(stage.name)).not.toBe('');
      expect(stageShape(path, stage, panel.shown.explanation.model.vocab)).toMatch(/^\[[\d,]+(?: × [\d,]+)?\]/);
      expect(numberLabel(path, stage, 0, labels)).not.toBe('');
    }
    expect(seen).toBeGreaterThan(30);
  });

  it('of a matrix names the tensor and the row or column that made it', async () => {
    const llama = await pathOf('llama');
    expect(await sumAt(llama.panel, llama.path, { stage: 'query', index: 3 })).toMatchObject({
      tensor: 'model.layers.0.self_attn.q_proj.weight',
      row: 16 + 3,
      column: false,
    });
    const gpt2 = await pathOf('gpt2');
    const dim = gpt2.panel.shown.explanation.model.dim;
    expect(await sumAt(gpt2.panel, gpt2.path, { stage: 'key', index: 3 })).toMatchObject({
      tensor: 'transformer.h.0.attn.c_attn.weight',
      row: dim + gpt2.panel.shown.explanation.model.headDim + 3,
      column: true,
    });
    await expect(sumAt(llama.panel, llama.path, { stage: 'dots', index: 0 })).rejects.toThrow('No matrix');
    await expect(sumAt(llama.panel, llama.path, { stage: 'query', index: 16 })).rejects.toThrow('outside');
  });

  it('leads from the logits down to the token’s row of the table', async () => {
    const { panel, path } = await pathOf('llama');
    let place: Place | null = { stage: 'probabilities', index: 0 };
    const way: string[] = [];
    for (let guard = 0; place !== null && guard < 60; guard++) {
      way.push(place.stage);
      const stage = stageOf(path.stages, place.stage);
      const found = arithmeticOf(path, place, stage.made.kind === 'linear' ? await sumAt(panel, path, place) : null);
      if (found === null || found.kind === 'origin' || found.kind === 'masked') break;
      place =
        found.kind === 'same' ? found.place : found.kind === 'sum' ? (found.terms[0]?.place ?? null) : (found.parts[0]?.place ?? null);
    }
    expect(way).toEqual(['probabilities', 'logits', 'lnFinalOut', 'finalInput']);
  });
});

describe('the draw', () => {
  it('lays the probabilities side by side, with what the text goes on with', async () => {
    const { panel, path } = await pathOf('llama');
    const holder = document.createElement('div');
    render(drawStep(path, panel.shown.explanation, labels), holder);
    const shares = [...holder.querySelectorAll<HTMLElement>('.draw-piece')].map((piece) => Number(piece.style.getPropertyValue('--share')));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
    expect(holder.textContent).toContain('The text goes on with');
    const last = await pathOf('llama', { ...REQUEST, token: labels.length - 1 });
    render(drawStep(last.path, last.panel.shown.explanation, labels), holder);
    expect(holder.textContent).toContain('Nothing follows this token');
  });
});

describe('a strip', () => {
  it('gives every number a bar while there is room, and shares bars where there is not', () => {
    const values = Float32Array.of(1, -2, 3, -Infinity, 0.5, -4);
    expect(columnsOf(values, 600).map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ]);
    const shared = columnsOf(values, 2);
    expect(shared).toEqual([
      { from: 0, to: 3, low: -2, high: 3, largest: 2 },
      { from: 3, to: 6, low: -4, high: 0.5, largest: 5 },
    ]);
    expect(columnsOf(new Float32Array(0), 100)).toEqual([]);
  });

  it('names the largest by size, those a mask took out last', () => {
    expect(largestIndices(Float32Array.of(1, -5, -Infinity, 3), 9)).toEqual([1, 3, 0]);
    expect(stagesOf({ token: 0, layer: 0, head: 0, kvHead: 0, stages: [], parallel: false, pieces: {} }, 'mask')).toEqual([]);
  });
});
