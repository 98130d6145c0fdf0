import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { partOf, WALK_PARTS, type WalkStep } from '../../figures/pathSteps.ts';
import { stepName } from './stepNames.ts';
import { partName, stepText } from './stepTexts.ts';

/** Overview of the steps. */
export interface StepMap {
  readonly root: HTMLElement;
  show(steps: readonly WalkStep[], current: WalkStep, path: ForwardPath, model: ModelInfo): void;
}

/** Buttons for all steps, grouped by part of the model; in a narrow panel with their short names. The Tab key reaches the current one. */
export function createStepMap(open: (step: WalkStep) => void): StepMap {
  const root = el('div', { class: 'step-map' });
  let buttons = new Map<WalkStep, HTMLButtonElement>();
  const changed = changeDetector();
  return {
    root,
    show: (steps, current, path, model) => {
      if (changed(path.layer, path.head, path.experts?.shown, path.experts?.ids.join(), steps.join())) {
        buttons = new Map(
          steps.map((step, index) => {
            const { title } = stepText(step, path, model);
            const short = stepName(step);
            // Who speaks to the page says what is seen.
            const said = title.toLowerCase().includes(short.toLowerCase()) ? title : `${title} (${short})`;
            const made = el(
              'button',
              { type: 'button', class: 'map-step', title, 'aria-label': `${index + 1} ${said}` },
              el('span', { class: 'map-short' }, short),
              el('span', { class: 'map-title' }, title),
            );
            made.addEventListener('click', () => open(step));
            return [step, made];
          }),
        );
        root.replaceChildren(
          ...WALK_PARTS.map((part) => {
            const own = steps.filter((step) => partOf(step) === part);
            return el(
              'div',
              { class: 'map-part', role: 'group', 'aria-label': partName(part, path.layer) },
              el('span', { class: 'map-name' }, partName(part, path.layer)),
              el('div', { class: 'map-steps' }, ...own.flatMap((step) => buttons.get(step) ?? [])),
            );
          }),
        );
      }
      const focused = root.contains(document.activeElement);
      for (const [step, made] of buttons) {
        made.tabIndex = step === current ? 0 : -1;
        if (step === current && focused) made.focus();
        if (step === current) made.setAttribute('aria-current', 'step');
        else made.removeAttribute('aria-current');
      }
    },
  };
}
