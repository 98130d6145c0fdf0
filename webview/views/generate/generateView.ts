import type { PanelContext, View } from '../../context.ts';
import { el } from '../../parts/dom.ts';
import { createGenerator } from '../../generation/generator.ts';
import { createBranches } from './branches.ts';
import { createGenerateControls } from './generateControls.ts';
import { createGeneratedStrip } from './generatedStrip.ts';
import { createModelRules } from './modelRules.ts';
import { createPlainBranch } from './plainBranch.ts';
import { createStepDetail } from './stepDetail.ts';
import { createStepFacts } from './stepFacts.ts';

/** The Generate tab: the model continues the text token by token; every step can be inspected, and another token taken. */
export function createGenerate(context: PanelContext): View {
  const generator = createGenerator(context);
  const detail = createStepDetail(context, generator);
  const facts = createStepFacts(context);
  const branches = createBranches(context);
  const controls = createGenerateControls(context, generator);
  const rules = createModelRules();
  const strip = createGeneratedStrip(context);
  const plain = createPlainBranch(context);
  return {
    root: el(
      'div',
      { class: 'generate-view' },
      controls.root,
      rules.root,
      strip.root,
      plain.root,
      el('div', { class: 'generate-columns' }, detail.root, el('div', { class: 'generate-side' }, branches.root, facts.root)),
    ),
    update: (state) => {
      for (const part of [controls, rules, strip, plain, detail, facts, branches]) part.update(state);
      const { running, failure, tree } = state.generation;
      if (!running && failure === null && tree.tokens.some(({ step }) => step === null)) void generator.restore();
    },
  };
}
