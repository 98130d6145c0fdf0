import { vscode } from '../vscode.ts';
import { CancelledError } from '../../core/errors.ts';
import { visibleControls } from '../../core/visibleText.ts';
import type { Recipe } from '../../core/run.ts';
import type { KeptVector } from '../../core/steering.ts';
import type { Token } from '../../core/trace.ts';
import type { ExampleName } from '../../protocol/exampleTexts.ts';
import type { ComparisonWork, HostMessage, PanelCommand, PanelMessage, Refusal, ShownExplanation } from '../../protocol/messages.ts';
import type { Comparer, Comparison } from '../explain/comparer.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { Disposable } from '../disposable.ts';
import { ExplainPanel } from './explainPanel.ts';
import { canInsert, type Generated } from '../explain/generatedText.ts';
import { type Log, sentenceOf } from '../log.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { t } from '../say.ts';
import { onSettingChange, readSettings, writeSetting } from '../configuration.ts';
import type { TokenFocus } from '../editor/tokenFocus.ts';
import type { AttentionMarks } from '../editor/attentionMarks.ts';
import type { WhyMarks } from '../editor/whyMarks.ts';
import type { Sizer } from '../explain/sizer.ts';
import { answersKept, questionKey } from '../../protocol/queries.ts';
import type { SidedQuery } from '../../report/reportQuestions.ts';

type PanelQuery = Extract<PanelMessage, { readonly type: 'query' }>;
/** A message about the current work; the last one is sent again when a hidden panel is shown again. */
export type WorkMessage = Extract<HostMessage, { readonly type: 'progress' | 'failure' | 'cancelled' }>;

/** Asks the page to show something that the user asked for in the editor. */
type AskedMessage = Extract<HostMessage, { readonly type: 'why' | 'path' }>;

/** Actions that the panel asks other parts of the extension for. */
export interface PanelActions {
  cancel(): void;
  dismiss(): void;
  command(name: PanelCommand): void;
  example(name: ExampleName): void;
  chat(on: boolean): void;
  /** Runs again with other interventions, of the model and text on show. */
  recipe(recipe: Recipe): void;
  exportRecipe(recipe: Recipe): void;
  importRecipe(): void;
  openVector(): void;
  saveVector(vector: KeptVector): void;
  saveFile(name: string, content: string | Uint8Array): void;
  /** Shows another window of the text on show. */
  window(index: number): void;
  insertGenerated(generated: Generated): void;
  explainGenerated(generated: Generated): void;
}

/** Parts of the extension that the panel uses. */
export interface PanelContext {
  readonly extensionUri: vscode.Uri;
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly comparer: Comparer;
  readonly sizer: Sizer;
  readonly focus: TokenFocus;
  readonly why: WhyMarks;
  readonly attention: AttentionMarks;
  readonly log: Log;
  /** Name of the model of this machine that is nearest to an engine's. */
  readonly nearest: (name: string) => Promise<string | undefined>;
}

/** Most questions of the page that are remembered. */
const MOST_ASKED = 2000;

/** Owner of the panel: sends it the current explanation and answers its questions. */
export class PanelView extends Disposable {
  readonly #context: PanelContext;
  readonly #actions: PanelActions;
  readonly #queries = new Map<number, AbortController>();
  #panel: ExplainPanel | undefined;
  #work: WorkMessage | undefined;
  /** Those of the text being read, as far as they are known. */
  #tokens: readonly Token[] | null = null;
  #refusal: Refusal | null = null;
  /** What the user asked for while there was no page to show it; null: nothing. */
  #asked: AskedMessage | null = null;
  /** A comparison that the user asked for while there was no page to open its tab; null: none. */
  #comparing: ComparisonWork | null = null;
  /** The comparison that was last sent to the page. */
  #compared: Comparison | undefined;
  /** What the page has asked about the explanation and the comparison on show, by key. */
  readonly #questions = new Map<string, SidedQuery>();

  constructor(context: PanelContext, actions: PanelActions) {
    super();
    this.#context = context;
    this.#actions = actions;
    const { current, comparer, sizer, focus } = context;
    this.register(sizer.onDidChange(() => this.#tellSizes(false)));
    this.register(comparer.onDidChange(() => this.#showComparison()));
    this.register(current.onDidChange(() => this.#showExplanation()));
    this.register(
      current.onDidEdit(() => {
        this.#panel?.post({ type: 'stale', tokens: current.staleTokens() });
        this.#tellInsertable();
      }),
    );
    this.register(vscode.workspace.onDidCloseTextDocument(() => this.#tellInsertable()));
    this.register(vscode.workspace.onDidOpenTextDocument(() => this.#tellInsertable()));
    this.register(onSettingChange(['surprisalScale'], () => this.#tellScale()));
    this.register(focus.onDidMoveCursor((token) => this.#panel?.post({ type: 'select', token })));
  }

  /** Whether there is a panel. */
  get isOpen(): boolean {
    return this.#panel !== undefined;
  }

  /** Whether there is a panel on screen, be it that its page is still to come. */
  get isShowing(): boolean {
    return this.#panel?.isShowing === true;
  }

  /** Shows the panel; a new one opens beside the editor. `label`: name of the text. */
  open(label: string): void {
    if (!this.#panel)
      this.#adopt(
        ExplainPanel.create(
          this.#context.extensionUri,
          t('Explain Tokens'),
          t('Reading {0} with {1}…', label, this.#context.client.wantedName),
        ),
      );
    this.#panel?.reveal();
    this.#name(label);
  }

  /** Shows the panel; a new one opens with how to begin, as there is no text. */
  openStart(): void {
    if (!this.#panel)
      this.#adopt(ExplainPanel.create(this.#context.extensionUri, t('Explain Tokens'), t('Opening {0}…', t('Explain Tokens'))));
    this.#panel?.reveal();
  }

  /** Takes over a panel restored after a reload, in place of an existing one. */
  revive(panel: vscode.WebviewPanel): void {
    this.#panel?.dispose();
    this.#adopt(ExplainPanel.revive(panel, this.#context.extensionUri));
  }

  /** Closes the panel. */
  close(): void {
    this.#panel?.dispose();
  }

  /** Opens the tab Why at this position, as soon as there is a page. */
  askWhy(position: number): void {
    this.#ask({ type: 'why', position });
  }

  /** Shows the path through the panel, as soon as there is a page. */
  showPath(): void {
    this.#ask({ type: 'path' });
  }

  /** Shows the text through many sizes: the tab opens. */
  showSizes(): void {
    this.#tellSizes(true);
  }

  /** Tells the panel the state of the work; undefined: no work. */
  tell(work: WorkMessage | undefined): void {
    this.#work = work;
    if (work?.type !== 'progress') this.#tokens = null;
    else if (work.tokens !== undefined) this.#tokens = work.tokens;
    if (work) return void this.#panel?.post(work);
    const shown = this.#context.current.value?.shown;
    if (shown) this.#name(shown.source.label);
  }

  /** Gives the panel a control vector to steer by. */
  offerVector(vector: KeptVector): void {
    this.#panel?.post({ type: 'vector', vector });
  }

  /** What the page has asked about the explanation and the comparison on show. */
  get questions(): readonly SidedQuery[] {
    return [...this.#questions.values()];
  }

  /** The page's settings; undefined where there is no page that could tell them. */
  async askView(): Promise<unknown> {
    return this.#panel?.askView();
  }

  /** Tells the panel why generated text could not be inserted or explained. */
  failGenerated(message: string): void {
    this.#panel?.post({ type: 'generatedFailure', message });
  }

  /** Tells the panel of a model that could not be opened while another stays in use; null: there is none. */
  refuse(refusal: Refusal | null): void {
    this.#refusal = refusal && { ...refusal, model: visibleControls(refusal.model), kept: visibleControls(refusal.kept) };
    this.#panel?.post({ type: 'refused', refusal: this.#refusal });
  }

  override dispose(): void {
    super.dispose();
    this.#dropAll();
    this.#panel?.dispose();
  }

  #adopt(panel: ExplainPanel): void {
    this.#panel = panel;
    panel.onDidReceive((message) => this.#receive(panel, message));
    panel.onDidEnd(() => {
      if (this.#panel !== panel) return;
      this.#panel = undefined;
      this.#work = undefined;
      this.#tokens = null;
      this.#asked = null;
      this.#comparing = null;
      this.#dropAll();
      if (this.disposed) return;
      this.#actions.cancel();
      this.#context.comparer.close();
      // The explanation ends with its panel, and so do its colours in the editor, which nothing else would remove.
      this.#context.current.clear();
    });
  }

  #ask(message: AskedMessage): void {
    this.#asked = this.#panel?.post(message) === true ? null : message;
  }

  #name(label: string): void {
    if (this.#panel) this.#panel.title = t('Tokens: {0}', label);
  }

  #receive(panel: ExplainPanel, message: PanelMessage): void {
    switch (message.type) {
      case 'ready':
        return this.#greet(panel);
      case 'query':
        return void this.#answer(panel, message);
      case 'dropQuery':
        return this.#queries.get(message.id)?.abort();
      case 'select':
        return this.#context.focus.select(message.token);
      case 'mark':
        return this.#context.focus.mark(message.tokens);
      case 'pick':
        return this.#context.focus.pick(message.tokens);
      case 'saveFile':
        return this.#actions.saveFile(message.name, message.content);
      case 'copy':
        return void vscode.env.clipboard.writeText(message.text);
      case 'whyWords':
        return this.#context.why.show(message.serial, message.words);
      case 'editorAttention':
        return this.#context.attention.choose(message.choice);
      case 'cancel':
        return this.#actions.cancel();
      case 'dismiss':
        return this.#actions.dismiss();
      case 'surprisalScale':
        return void writeSetting('surprisalScale', message.scale).catch((error: unknown) =>
          this.#context.log.error('Surprisal scale', error),
        );
      case 'command':
        return this.#actions.command(message.name);
      case 'example':
        return this.#actions.example(message.name);
      case 'chat':
        return this.#actions.chat(message.on);
      case 'window':
        return this.#isShown(message.serial) ? this.#actions.window(message.index) : undefined;
      case 'recipe':
        return this.#isShown(message.serial) ? this.#actions.recipe(message.recipe) : undefined;
      case 'exportRecipe':
        return this.#actions.exportRecipe(message.recipe);
      case 'importRecipe':
        return this.#isShown(message.serial) ? this.#actions.importRecipe() : undefined;
      case 'openVector':
        return this.#isShown(message.serial) ? this.#actions.openVector() : undefined;
      case 'saveVector':
        return this.#isShown(message.serial) ? this.#actions.saveVector(message.vector) : undefined;
      case 'view':
      case 'readAgain':
        return;
      case 'compareAgain':
        return void this.#context.comparer.compareAgain();
      case 'cancelComparison':
        return this.#context.comparer.cancel();
      case 'closeComparison':
        return this.#context.comparer.close();
      case 'closeSizes':
        return this.#context.sizer.close();
      case 'insertGenerated':
      case 'explainGenerated': {
        const asked = this.#context.current.value;
        return asked?.shown.serial === message.serial ? this.#actions[message.type]({ asked, ids: message.continuation }) : undefined;
      }
    }
  }

  #isShown(serial: number): boolean {
    return this.#context.current.value?.shown.serial === serial;
  }

  /** Sends everything to a page that has become ready: one that was hidden or reloaded keeps its view settings only. */
  #greet(panel: ExplainPanel): void {
    this.#dropAll();
    // The page is new: no row is selected in it.
    this.#context.focus.pick([]);
    panel.post({
      type: 'init',
      strings: translations(),
      language: vscode.env.language,
      follows: this.#work !== undefined || this.#context.current.value !== undefined,
    });
    this.#tellScale();
    this.#showExplanation();
    this.#compared = undefined;
    if (this.#comparing) panel.post({ type: 'comparing', work: this.#comparing, again: null });
    this.#comparing = null;
    this.#showComparison();
    this.#tellSizes(false);
    const { selected } = this.#context.focus;
    if (selected !== null) panel.post({ type: 'select', token: selected });
    if (this.#asked !== null) this.#ask(this.#asked);
    if (this.#work) panel.post(this.#work.type === 'progress' ? { ...this.#work, tokens: this.#tokens } : this.#work);
    if (this.#refusal) panel.post({ type: 'refused', refusal: this.#refusal });
  }

  #showExplanation(): void {
    const shown = this.#context.current.value?.shown;
    if (!shown || !this.#panel) return;
    this.#dropAll();
    this.#questions.clear();
    this.#name(shown.source.label);
    this.#panel.post({ type: 'explanation', shown: visiblyNamed(shown) });
    if (shown.explanation.model.served) void this.#tellNearest(shown);
    const tokens = this.#context.current.staleTokens();
    if (tokens.length > 0) this.#panel.post({ type: 'stale', tokens });
    this.#tellInsertable();
  }

  async #tellNearest({ serial, explanation }: ShownExplanation): Promise<void> {
    const name = await this.#context.nearest(explanation.model.name);
    if (name !== undefined && this.#isShown(serial)) this.#panel?.post({ type: 'nearest', name: visibleControls(name) });
  }

  /** Tells the panel the scale of surprisal colours, which it shares with the editor. */
  #tellScale(): void {
    this.#panel?.post({ type: 'surprisalScale', scale: readSettings().surprisalScale });
  }

  #tellSizes(open: boolean): void {
    this.#panel?.post({ type: 'sizes', sizes: this.#context.sizer.value, open });
  }

  #tellInsertable(): void {
    this.#panel?.post({ type: 'insertable', possible: canInsert(this.#context.current) });
  }

  /** Sends the comparison and the state of the work on it. */
  #showComparison(): void {
    const { value, work, again } = this.#context.comparer;
    const isSeen = this.#panel?.post({ type: 'comparing', work, again }) === true;
    if (isSeen || (work.kind === 'idle' && !value)) this.#comparing = null;
    else if (work.kind === 'working' && work.open) this.#comparing = work;
    if (value === this.#compared) return;
    this.#compared = value;
    for (const [key, { side }] of this.#questions) if (side !== undefined) this.#questions.delete(key);
    this.#panel?.post({ type: 'comparison', comparison: value ? visiblyNamed(value.shown) : null });
  }

  async #answer(panel: ExplainPanel, { id, serial, query, side }: PanelQuery): Promise<void> {
    const { client, current, comparer, log } = this.#context;
    const asked = current.value;
    if (!asked || asked.shown.serial !== serial) return;
    const about = side === 'second' ? comparer.value : { ...asked, client };
    if (!about) return;
    const controller = new AbortController();
    this.#queries.set(id, controller);
    try {
      const { run } = about.shown.explanation;
      const result = await about.client.ask(about.modelKey, run, query.name, query.args, controller.signal);
      if (controller.signal.aborted || current.value?.shown.serial !== serial) return;
      this.#remember({ query, ...(side === undefined ? {} : { side }) });
      panel.post({ type: 'reply', id, serial, result });
    } catch (error) {
      if (controller.signal.aborted) return;
      const cancelled = error instanceof CancelledError;
      if (!cancelled) log.error(`Query ${query.name}`, error);
      panel.post({ type: 'replyError', id, message: cancelled ? t('Cancelled.') : sentenceOf(error) });
    } finally {
      if (this.#queries.get(id) === controller) this.#queries.delete(id);
    }
  }

  /** Remembers a question that was answered, and asked for again if a report is saved; not those whose answers the page itself lets go. */
  #remember(asked: SidedQuery): void {
    if (answersKept(asked.query.name) > 0 && this.#questions.size < MOST_ASKED)
      this.#questions.set(questionKey(asked.query, asked.side), asked);
  }

  #dropAll(): void {
    for (const controller of this.#queries.values()) controller.abort();
    this.#queries.clear();
  }
}

/** `shown` with control characters made visible in the names of its text and model, which are untrusted. */
function visiblyNamed<Shown extends Pick<ShownExplanation, 'source' | 'explanation'>>(shown: Shown): Shown {
  const { source, explanation } = shown;
  const model = { ...explanation.model, name: visibleControls(explanation.model.name) };
  return { ...shown, source: { ...source, label: visibleControls(source.label) }, explanation: { ...explanation, model } };
}

/** Translations of English UI texts to the display language, for the page. */
function translations(): Readonly<Record<string, string>> {
  return vscode.l10n.bundle ?? {};
}
