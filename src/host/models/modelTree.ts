import { formatOfName } from '../../core/fileFormats.ts';
import { inert, joined } from '../../core/inertText.ts';
import { vscode } from '../vscode.ts';
import { Disposable } from '../disposable.ts';
import { detailsOf, factsOf, fitOf, groupText, GROUPS, type Group, type ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { t } from '../say.ts';
import { treeItem, type TreeItem } from '../surfaces.ts';

/** A node of the view: a group of models, or a model. */
export type ModelNode =
  | { readonly kind: 'group'; readonly group: Group; readonly entries: readonly ModelEntry[] }
  | { readonly kind: 'model'; readonly entry: ModelEntry };

/** The view "Language Models": the library's models by origin. A model is described when it is first shown. */
export class ModelTree extends Disposable implements vscode.TreeDataProvider<ModelNode> {
  readonly #library: ModelLibrary;
  readonly #changed = this.register(new vscode.EventEmitter<ModelNode | undefined>());
  /** The node of each model by its setting, since VS Code compares nodes by identity. */
  readonly #nodes = new Map<string, ModelNode>();

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(library: ModelLibrary) {
    super();
    this.#library = library;
    this.register(library.onDidChange((entry) => this.#changed.fire(entry && this.#nodes.get(entry.setting))));
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    if (node?.kind === 'model') return [];
    if (node) return node.entries.map((entry) => this.#nodeOf(entry));
    const entries = await this.#library.entries();
    return GROUPS.flatMap((group) => {
      const own = entries.filter((entry) => entry.group === group);
      // A single model needs no heading.
      if (group === 'bundled') return own.map((entry) => this.#nodeOf(entry));
      return own.length > 0 ? [{ kind: 'group' as const, group, entries: own }] : [];
    });
  }

  getTreeItem(node: ModelNode): TreeItem {
    return node.kind === 'group' ? groupItem(node.group, node.entries.length) : this.#modelItem(node);
  }

  #nodeOf(entry: ModelEntry): ModelNode {
    const node = { kind: 'model', entry } as const;
    this.#nodes.set(entry.setting, node);
    return node;
  }

  #modelItem(node: Extract<ModelNode, { readonly kind: 'model' }>): TreeItem {
    const { entry } = node;
    const known = this.#library.known(entry);
    if (known.kind === 'unknown') void this.#library.describe(entry);
    const fit = fitOf(known, t);
    const current = this.#library.isCurrent(entry);
    const facts = factsOf(entry, known, t, vscode.env.language);
    const remarks = [...(current ? [t('current')] : []), ...(fit.kind === 'fits' ? [] : [fit.reason])];
    const item = treeItem(inert(entry.name), vscode.TreeItemCollapsibleState.None);
    item.id = `${entry.group} ${entry.setting}`;
    item.description = joined([...remarks, ...facts], ' · ');
    item.tooltip = joined(detailsOf(entry, known, t, vscode.env.language), '\n');
    item.iconPath = new vscode.ThemeIcon(iconOf(entry, fit.kind, current));
    item.contextValue = `model.${entry.group}${current ? '.current' : ''}`;
    item.accessibilityInformation = { label: joined([inert(entry.name), ...remarks, ...facts], ', ') };
    item.command = { command: 'explainTokens.useModel', title: t('Use This Model'), arguments: [node] };
    return item;
  }
}

/** Icon of a model. The icons differ in shape, not in colour alone. */
export function iconOf({ group, setting }: ModelEntry, fit: ReturnType<typeof fitOf>['kind'], current: boolean): string {
  if (current) return 'check';
  if (fit !== 'fits') return fit === 'large' ? 'warning' : 'circle-slash';
  if (group === 'bundled') return 'package';
  if (group === 'engine') return 'server';
  return formatOfName(setting) !== undefined || group === 'ollama' ? 'file-binary' : 'folder';
}

function groupItem(group: Group, count: number): TreeItem {
  const item = treeItem(groupText(group, t), vscode.TreeItemCollapsibleState.Expanded);
  item.id = group;
  item.contextValue = 'group';
  item.accessibilityInformation = { label: joined([groupText(group, t), inert(String(count))], ', ') };
  return item;
}
