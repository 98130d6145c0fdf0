import type { ModelNode, ModelTree } from './modelTree.ts';
import { vscode } from '../vscode.ts';

/** The view "Language Models", whose tree is built only when VS Code asks for its content. */
export class LazyModelTree implements vscode.TreeDataProvider<ModelNode> {
  readonly #changed = new vscode.EventEmitter<ModelNode | undefined>();
  readonly #parts: () => Promise<{ readonly tree: ModelTree }>;
  #tree: ModelTree | undefined;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(parts: () => Promise<{ readonly tree: ModelTree }>) {
    this.#parts = parts;
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    return (await this.#loaded()).getChildren(node);
  }

  async getTreeItem(node: ModelNode): Promise<vscode.TreeItem> {
    return (await this.#loaded()).getTreeItem(node);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  async #loaded(): Promise<ModelTree> {
    const { tree } = await this.#parts();
    if (this.#tree === undefined) tree.onDidChangeTreeData((node) => this.#changed.fire(node));
    this.#tree = tree;
    return tree;
  }
}
