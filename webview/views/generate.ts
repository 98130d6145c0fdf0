import type { PanelContext, View } from '../context.ts';
import { el } from '../dom.ts';
import { createGenerator } from '../generator.ts';
import { createBranches } from './branches.ts';
import { createGenerateControls } from './generateControls.ts';
import { createGeneratedStrip } from './generatedStrip.ts';
import { createStepDetail } from './stepDetail.ts';
import { createStepFacts } from './stepFacts.ts';

/** The model writes on after the text, token by token; every step can be looked into, and taken another way. */
export function createGenerate(context: PanelContext): View {
  const generator = createGenerator(context);
  const detail = createStepDetail(context, generator);
  const facts = createStepFacts(context);
  const branches = createBranches(context);
  const controls = createGenerateControls(context, generator);
  const strip = createGeneratedStrip(context);
  return {
    root: el('div', { class: 'generate-view' }, controls.root, strip.root, el('div', { class: 'generate-columns' }, detail.root, el('div', { class: 'generate-side' }, branches.root, facts.root))),
    update: (state) => {
      for (const part of [controls, strip, detail, facts, branches]) part.update(state);
      const { running, failure, tree } = state.generation;
      if (!running && failure === null && tree.tokens.some(({ step }) => step === null)) void generator.restore();
    },
  };
}
