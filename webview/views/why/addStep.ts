import { headOff, type Intervention } from '../../../src/core/run.ts';
import { shortened } from '../../../src/core/visibleText.ts';
import { tokenLabels, type PanelContext, type View } from '../../context.ts';
import { button, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { numberField } from '../../parts/numberField.ts';
import { switchStep } from '../../changeRecipe.ts';
import { t } from '../../strings.ts';
import { FACTORS } from './recipeEditor.ts';

/** What can be added by menus, in their order. */
const KINDS = ['headOff', 'headScale', 'mlpOff', 'mlpScale', 'hidden'] as const;

/** Menus by which an intervention is added: what, and where. */
export function createAddStep(context: PanelContext): View {
  const { store } = context;
  let kind: (typeof KINDS)[number] = 'headOff';
  let factor = 2;
  /** What was chosen here; until then the head and the token that are chosen for all views. */
  const chosen: { layer?: number; head?: number; token?: number } = {};
  const names = {
    headOff: t('Switch a head off'),
    headScale: t('Scale a head'),
    mlpOff: t('Switch an MLP off'),
    mlpScale: t('Scale an MLP'),
    hidden: t('Hide a token from all later ones'),
  };
  const what = select(t('What'), (value) => {
    kind = KINDS[value] ?? 'headOff';
    show();
  });
  const layer = select(t('Layer'), (value) => (chosen.layer = value));
  const head = select(t('Head'), (value) => (chosen.head = value));
  const token = select(t('Token'), (value) => (chosen.token = value));
  const scale = numberField(t('Factor'), FACTORS, (value) => (factor = value));
  const add = button(t('Add'), 'secondary', () => switchStep(context, step(), true));
  const labelsChanged = changeDetector();
  const changed = changeDetector();

  const place = (): { readonly layer: number; readonly head: number; readonly token: number } => {
    const { settings, shown } = store.state();
    const { layers = 1, heads = 1 } = shown?.explanation.model ?? {};
    return {
      layer: Math.min(chosen.layer ?? settings.layer, layers - 1),
      head: Math.min(chosen.head ?? settings.head, heads - 1),
      token: Math.min(chosen.token ?? settings.selected, (shown?.explanation.tokens.length ?? 1) - 1),
    };
  };
  function step(): Intervention {
    const { layer, head, token } = place();
    switch (kind) {
      case 'headOff':
        return headOff({ layer, head });
      case 'headScale':
        return { kind: 'head', layer, head, action: 'scale', factor };
      case 'mlpOff':
        return { kind: 'mlp', layer, action: 'zero' };
      case 'mlpScale':
        return { kind: 'mlp', layer, action: 'scale', factor };
      case 'hidden':
        return { kind: 'key', key: token, action: 'cut' };
    }
  }
  function show(): void {
    const { shown } = store.state();
    if (shown === null) return;
    const { model } = shown.explanation;
    const numbered = (count: number): readonly (readonly [number, string])[] => Array.from({ length: count }, (_, i) => [i, String(i)]);
    const now = place();
    what.set(
      KINDS.map((name, index) => [index, names[name]]),
      KINDS.indexOf(kind),
    );
    layer.set(numbered(model.layers), now.layer);
    head.set(numbered(model.heads), now.head);
    scale.set(factor);
    const parts = step();
    layer.root.hidden = !('layer' in parts);
    head.root.hidden = !('head' in parts);
    scale.root.hidden = !('factor' in parts);
    token.root.hidden = !('key' in parts);
    // A long text has many: they are listed when they are wanted.
    if ('key' in parts && labelsChanged(shown, now.token))
      token.set(
        tokenLabels(shown.explanation).map((label, index) => [index, `${index}  ${shortened(label, 24)}`]),
        now.token,
      );
  }
  return {
    root: el(
      'div',
      { class: 'add-step', role: 'group', 'aria-label': t('Add an intervention') },
      what.root,
      layer.root,
      head.root,
      token.root,
      scale.root,
      add,
    ),
    update: ({ shown, settings }) => {
      if (changed(shown, settings.layer, settings.head, settings.selected)) show();
    },
  };
}
