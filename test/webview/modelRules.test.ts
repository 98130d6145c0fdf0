// @vitest-environment happy-dom
import { beforeAll, expect, it } from 'vitest';
import type { GenerationStep } from '../../src/core/generation.ts';
import type { PanelContext, View } from '../../webview/context.ts';
import { EMPTY_TREE, withToken } from '../../webview/generation/generationTree.ts';
import { createGenerator } from '../../webview/generation/generator.ts';
import { createStore, initialState, reduce, type ViewState } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { createTooltip } from '../../webview/parts/tooltip.ts';
import { createModelRules } from '../../webview/views/generate/modelRules.ts';
import { createStepDetail } from '../../webview/views/generate/stepDetail.ts';
import { FAMILY_TEXT, openFamily, openRuled, type OpenPanel } from './family.ts';

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 };
const CONFIG = { eos_token_id: 2, repetition_penalty: 1.2, typical_p: 0.9, temperature: 0.7, min_new_tokens: 1 };
let panel: OpenPanel;
let favourite = 0;

/** What the model likes best at first is forbidden there, and only there. */
beforeAll(async () => {
  favourite = (await step(await openFamily('llama'), [])).id;
  panel = await openRuled({ ...CONFIG, begin_suppress_tokens: [favourite] });
});

async function step(of: OpenPanel, continuation: readonly number[]): Promise<GenerationStep> {
  const answered = await of.answer({ name: 'step', args: { continuation, sampling: GREEDY, seed: 0, topK: 5, attention: false } });
  if (!('draw' in answered)) throw new Error('Not a step.');
  return answered;
}

function show(make: (context: PanelContext) => View, change: (state: ViewState) => ViewState = (state) => state): string {
  const state = change(
    reduce(
      initialState(
        readTheme(() => '', 'dark'),
        undefined,
      ),
      { type: 'host', message: { type: 'explanation', shown: panel.shown } },
    ),
  );
  const context: PanelContext = {
    host: { post: () => {}, drop: () => {}, receive: () => {}, query: () => Promise.reject(new Error('Not asked.')) },
    store: createStore(state, () => {}),
    tooltip: createTooltip(document.body),
    announce: () => {},
  };
  const view = make(context);
  document.body.append(view.root);
  view.update(state);
  return view.root.textContent.replaceAll(/\s+/g, ' ');
}

it('what of generation_config.json is done, left out and suggested is said in the view', () => {
  expect(show(createModelRules)).toBe(
    [
      `Done at every step, as the model’s generation_config.json says: repetition_penalty 1.2, min_new_tokens 1, ` +
        `begin_suppress_tokens [${favourite}]. The step shows what they change.`,
      'Not done, though the model’s generation_config.json asks for it: typical_p 0.9.',
      'The model suggests temperature 0.7; what is set here is used.',
    ].join(''),
  );
});

it('a rule counts new tokens from the explained text’s end, and is a filter of its step', async () => {
  const first = await step(panel, []);
  expect(first.filters.map(({ filter }) => filter)).toEqual(['repetition_penalty', 'min_new_tokens', 'begin_suppress_tokens']);
  expect([first.id === favourite, first.greedy?.id]).toEqual([false, first.id]);
  expect((await step(panel, [first.id])).filters.map(({ filter }) => filter)).toEqual(['repetition_penalty']);
  expect(panel.shown.explanation.text).toBe(FAMILY_TEXT);

  const text = show(
    (context) => createStepDetail(context, createGenerator(context)),
    (state) => {
      const tree = withToken(
        { ...EMPTY_TREE, prompt: state.generation.tree.prompt },
        { id: first.id, parent: -1, taken: false, settings: { sampling: GREEDY, seed: 0 }, wroteMs: null, step: first },
      );
      return reduce(state, { type: 'generation', change: { tree } });
    },
  );
  expect(text).toMatch(/repetition_penalty changes \d+ tokens, [\d.e×⁻ −]+%? of the mass moves: 300 left/);
  expect(text).toMatch(/min_new_tokens removes 1 token, .* of the mass: 299 left/);
  expect(text).toMatch(/begin_suppress_tokens removes 1 token, .* of the mass: 298 left.*Temperature 0 \(greedy\)/);
});
