import type { GenerationOption } from '../../../src/core/trace.ts';
import type { View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
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
      root.replaceChildren(
        ...(rules === undefined
          ? []
          : [
              ...(rules.applied.length === 0
                ? []
                : [
                    line(
                      t(
                        'Done at every step, as the model’s generation_config.json says: {0}. The step shows what they change.',
                        listed(rules.applied),
                      ),
                    ),
                  ]),
              ...(rules.leftOut.length === 0
                ? []
                : [line(t('Not done, though the model’s generation_config.json asks for it: {0}.', listed(rules.leftOut)))]),
              ...(rules.suggested.length === 0
                ? []
                : [line(t('The model suggests {0}; what is set here is used.', listed(rules.suggested)))]),
            ]),
      );
    },
  };
}

function line(text: string): HTMLElement {
  return el('p', { class: 'caption' }, text);
}

function listed(options: readonly GenerationOption[]): string {
  return options.map(({ name, value }) => `${name} ${value}`).join(', ');
}
