import { html, nothing, type TemplateResult } from 'lit-html';
import type { GenerationOption, ModelInfo } from '../../../src/core/trace.ts';
import type { View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { drawInto } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';

/**
 * Settings of the model's generation_config.json: those applied at every step, those not supported, and those left to the user's settings.
 */
export function createModelRules(): View {
  const root = el('section', { class: 'model-rules', 'aria-label': t('The model’s own rules') });
  const changed = changeDetector();
  return {
    root,
    update: ({ shown }) => {
      const rules = shown?.explanation.model.generation;
      if (!changed(rules)) return;
      root.hidden = rules === undefined;
      drawInto(root, rules === undefined ? nothing : rulesTemplate(rules));
    },
  };
}

function rulesTemplate({ applied, leftOut, suggested }: NonNullable<ModelInfo['generation']>): readonly TemplateResult[] {
  const lines = [
    applied.length > 0 &&
      t('Done at every step, as the model’s generation_config.json says: {0}. The step shows what they change.', listed(applied)),
    leftOut.length > 0 && t('Not done, though the model’s generation_config.json asks for it: {0}.', listed(leftOut)),
    suggested.length > 0 && t('The model suggests {0}; what is set here is used.', listed(suggested)),
  ];
  return lines.filter((line) => line !== false).map((line) => html`<p class="caption">${explained(line)}</p>`);
}

function listed(options: readonly GenerationOption[]): string {
  return options.map(({ name, value }) => `${name} ${value}`).join(', ');
}
