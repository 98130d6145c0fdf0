import { PANEL_TYPE } from './ids.ts';
import { vscode } from './vscode.ts';
import type { HostMessage, PanelMessage } from '../protocol/messages.ts';
import { Disposable } from './disposable.ts';
import { makeNonce, panelHtml } from './panelHtml.ts';
import { parsePanelMessage } from './panelMessages.ts';

/** One webview panel: its page, typed messages both ways, nothing posted after its end. */
export class ExplainPanel extends Disposable {
  readonly #panel: vscode.WebviewPanel;
  /** The page said that it listens; a page that is hidden goes, and says so again when it is shown. */
  #listens = false;
  readonly #received = this.register(new vscode.EventEmitter<PanelMessage>());
  readonly #ended = this.register(new vscode.EventEmitter<void>());

  readonly onDidReceive = this.#received.event;
  readonly onDidEnd = this.#ended.event;

  static create(extensionUri: vscode.Uri, title: string): ExplainPanel {
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    return new ExplainPanel(vscode.window.createWebviewPanel(PANEL_TYPE, title, place), extensionUri);
  }

  /** Takes over a panel that VS Code kept over a reload of the window. */
  static revive(panel: vscode.WebviewPanel, extensionUri: vscode.Uri): ExplainPanel {
    return new ExplainPanel(panel, extensionUri);
  }

  private constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri) {
    super();
    this.#panel = this.register(panel);
    this.register(
      panel.webview.onDidReceiveMessage((value: unknown) => {
        const message = parsePanelMessage(value);
        if (message?.type === 'ready') this.#listens = true;
        if (message) this.#received.fire(message);
      }),
    );
    this.register(
      panel.onDidDispose(() => {
        this.#ended.fire();
        this.dispose();
      }),
    );
    this.register(panel.onDidChangeViewState(() => (this.#listens &&= panel.visible)));
    const dist = vscode.Uri.joinPath(extensionUri, 'dist');
    const file = (name: string): string => panel.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    panel.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'media', 'icon.svg');
    panel.webview.html = panelHtml({
      cspSource: panel.webview.cspSource,
      script: file('webview.js'),
      style: file('webview.css'),
      nonce: makeNonce(),
      language: vscode.env.language,
      title: panel.title,
    });
  }

  set title(title: string) {
    if (!this.disposed && this.#panel.title !== title) this.#panel.title = title;
  }

  /** Shows the panel where it is, leaving the focus in the editor. */
  reveal(): void {
    if (!this.disposed && !this.#panel.visible) this.#panel.reveal(undefined, true);
  }

  /** Sends a message; a page that does not listen gets none, and everything when it does. */
  post(message: HostMessage): void {
    if (!this.disposed && this.#listens) void this.#panel.webview.postMessage(message);
  }
}
