import { vscode } from '../vscode.ts';
import type { Inert } from '../../core/inertText.ts';
import { withOwnedArrays } from '../../core/ownedArrays.ts';
import type { HostMessage, PanelMessage } from '../../protocol/messages.ts';
import { Disposable } from '../disposable.ts';
import { makeNonce, panelHtml } from './panelHtml.ts';
import { parsePanelMessage } from './panelMessages.ts';
import { t } from '../say.ts';
import { createPanel, renamePanel } from '../surfaces.ts';

/** Time in which a page tells its settings; a hidden one does not. */
const VIEW_MS = 1000;

/** A webview panel with its page and typed messages in both directions. After its end it posts nothing. */
export class ExplainPanel extends Disposable {
  readonly #panel: vscode.WebviewPanel;
  /** Whether the page has said that it is ready. A hidden page is destroyed, and is created and ready again when it is shown. */
  #listens = false;
  readonly #received = this.register(new vscode.EventEmitter<PanelMessage>());
  readonly #ended = this.register(new vscode.EventEmitter<void>());

  /** Fires with each valid message from the page. */
  readonly onDidReceive = this.#received.event;
  /** Fires once, before the panel is disposed. */
  readonly onDidEnd = this.#ended.event;

  /** Creates a panel. `opening`: sentence shown until the page's script runs. */
  static create(extensionUri: vscode.Uri, title: Inert, opening: string): ExplainPanel {
    return new ExplainPanel(createPanel(title), extensionUri, opening);
  }

  /** Wraps a panel that VS Code kept over a reload of the window. */
  static revive(panel: vscode.WebviewPanel, extensionUri: vscode.Uri): ExplainPanel {
    return new ExplainPanel(panel, extensionUri, againText());
  }

  /** Wraps the panel of an editor that VS Code has opened. `opening` as for `create`. */
  static inEditor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, opening: string): ExplainPanel {
    return new ExplainPanel(panel, extensionUri, opening);
  }

  private constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, opening: string) {
    super();
    this.#panel = this.register(panel);
    this.register(
      panel.webview.onDidReceiveMessage((value: unknown) => {
        const message = parsePanelMessage(value);
        if (message?.type === 'ready') this.#listens = true;
        if (message) this.#received.fire(message);
      }),
    );
    this.register(panel.onDidDispose(() => this.dispose()));
    const dist = vscode.Uri.joinPath(extensionUri, 'dist');
    const file = (name: string): string => panel.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    panel.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'media', 'icon.svg');
    const show = (words: string): void => {
      panel.webview.html = panelHtml({
        cspSource: panel.webview.cspSource,
        script: file('webview.js'),
        style: file('webview.css'),
        nonce: makeNonce(),
        language: vscode.env.language,
        title: panel.title,
        opening: words,
        late: t(
          'This takes longer than it should. If nothing happens, close the panel and run Explain Tokens again; Show Log in the ' +
            'Command Palette says more.',
        ),
      });
    };
    show(opening);
    let first = true;
    this.register(
      panel.onDidChangeViewState(() => {
        this.#listens &&= panel.visible;
        // A hidden page is destroyed; the next one opens with another sentence than the first.
        if (!panel.visible && first) show(againText());
        first &&= panel.visible;
      }),
    );
  }

  /** Whether it is on screen. */
  get isShowing(): boolean {
    return !this.disposed && this.#panel.visible;
  }

  /** Ends the panel and fires `onDidEnd`, whether the user or the extension closed it. */
  override dispose(): void {
    if (this.disposed) return;
    this.#ended.fire();
    super.dispose();
  }

  /** Sets the title. */
  set title(title: Inert) {
    if (!this.disposed) renamePanel(this.#panel, title);
  }

  /** Brings the panel to the front where it is, leaving the focus in the editor. */
  reveal(): void {
    if (!this.disposed && !this.#panel.visible) this.#panel.reveal(undefined, true);
  }

  /** Sends a message if the page is ready, and returns whether it is. One that is not gets its whole state when it says so. */
  post(message: HostMessage): boolean {
    const listens = !this.disposed && this.#listens;
    if (listens) void this.#panel.webview.postMessage(withOwnedArrays(message));
    return listens;
  }

  /** The page's settings; undefined where there is no page that could tell them. */
  async askView(): Promise<unknown> {
    if (!this.post({ type: 'tellView' })) return undefined;
    return new Promise((resolve) => {
      const settle = (view?: unknown): void => {
        clearTimeout(timer);
        told.dispose();
        resolve(view);
      };
      const timer = setTimeout(settle, VIEW_MS);
      const told = this.onDidReceive((message) => message.type === 'view' && settle(message.view));
    });
  }
}

function againText(): string {
  return t('Showing the explanation again…');
}
