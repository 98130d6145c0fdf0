import { ATTENTION_KINDS, type AttentionKind } from '../../../src/core/attentionRows.ts';
import type { PanelContext, View } from '../../context.ts';
import { button, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Host } from '../../vscodeApi.ts';

/** Chooses what the editor shades while the attention of its cursor's token is on there, and turns that on and off. */
export function createEditorAttention({ store, host }: PanelContext): View {
  const kind = select(t('Kind of attention'), (index) =>
    store.dispatch({ type: 'settings', change: { editorAttention: ATTENTION_KINDS[index] ?? ATTENTION_KINDS[0] } }),
  );
  const toggle = button(t('Follow the cursor, or no longer'), 'secondary', () => host.post({ type: 'command', name: 'toggleAttention' }));
  toggle.title = t('In the editor, the words that the token at the cursor attends to are shaded, until Escape.');
  const controls = el('div', { class: 'toolbar' }, kind.root, toggle);
  const fold = foldout(store, 'editorAttention', 'needs-model', [t('In the editor')], controls);
  return {
    root: fold.root,
    update: ({ settings }) => {
      fold.set(settings);
      kind.set(
        ATTENTION_KINDS.map((name, index) => [index, kindName(name)]),
        ATTENTION_KINDS.indexOf(settings.editorAttention),
      );
    },
  };
}

/** Tells the editor which head the page shows and which kind of attention was chosen for it, whatever view is open. */
export function createAttentionTeller(host: Host): (state: ViewState) => void {
  const changed = changeDetector();
  return ({ shown, settings: { editorAttention, layer, head, hideFirst } }) => {
    if (shown !== null && changed(editorAttention, layer, head, hideFirst))
      host.post({ type: 'editorAttention', choice: { kind: editorAttention, layer, head, hideFirst } });
  };
}

function kindName(kind: AttentionKind): string {
  const names = {
    head: t('This head'),
    mean: t('Mean of the heads of this layer'),
    'value-weighted': t('Value-weighted, all heads of this layer'),
  } satisfies Readonly<Record<AttentionKind, string>>;
  return names[kind];
}
