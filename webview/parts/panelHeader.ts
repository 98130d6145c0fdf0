import { PROVIDER_NAMES } from '../../src/core/runtimeChoice.ts';
import type { Explanation, ModelInfo } from '../../src/core/trace.ts';
import { button } from './controls.ts';
import { changeDetector, el, icon, ICONS } from './dom.ts';
import { summarise, type Summary } from '../figures/summary.ts';
import { decimal, displayLanguage, integer } from './format.ts';
import { engineText } from './servedTexts.ts';
import { enterStation } from '../stations/pathStrip.ts';
import { t } from '../strings.ts';
import type { PanelContext, View } from '../context.ts';

/** The header: model, text and the numbers of the whole explanation. */
export function createHeader(context: PanelContext): View {
  const model = el('span', { class: 'model-name' });
  const choose = el('button', { type: 'button', class: 'model-button', title: t('Choose the model') }, model, icon(ICONS.chevron));
  choose.addEventListener('click', () => context.host.post({ type: 'command', name: 'chooseModel' }));
  const chat = button(t('Chat'), 'secondary', () =>
    context.host.post({ type: 'chat', on: context.store.state().shown?.explanation.chat !== true }),
  );
  chat.classList.add('header-toggle', 'needs-model');
  chat.title = t('Read the text as a user’s message in the model’s chat template');
  const path = button(t('Path'), 'secondary', () => {
    const { pathShown, station } = context.store.state().settings;
    if (pathShown) context.store.dispatch({ type: 'settings', change: { pathShown: false } });
    else enterStation(context, station);
  });
  path.id = 'path-toggle';
  path.classList.add('header-toggle', 'needs-model');
  path.title = t('Walk through the views in the order in which a model works, with one thing to find in each');
  path.setAttribute('aria-controls', 'path');
  const source = el('h1', { class: 'source' });
  const numbers = el('dl', { class: 'numbers' });
  /** Where texts are sent, while an engine elsewhere serves the model. */
  const where = el('span', { class: 'engine-address', hidden: true });
  const notices = el('ul', { class: 'notices' });
  const root = el('header', { class: 'header' }, el('div', { class: 'header-row' }, source, choose, where, chat, path, numbers), notices);
  const changed = changeDetector();
  return {
    root,
    update: (state) => {
      path.setAttribute('aria-expanded', String(state.settings.pathShown));
      if (!changed(state.shown)) return;
      root.hidden = state.shown === null;
      if (state.shown === null) return;
      const { explanation, source: from } = state.shown;
      const { model: info } = explanation;
      source.textContent = from.label;
      chat.hidden = info.chatTemplate !== true;
      chat.setAttribute('aria-pressed', String(explanation.chat === true));
      model.textContent = info.name;
      choose.setAttribute('aria-label', t('Model {0}: choose another', info.name));
      const engine = engineText(info);
      where.hidden = engine === null;
      where.textContent = engine ?? '';
      where.title =
        info.served?.address === ''
          ? t('The engine that has read the text; nothing is sent from here.')
          : info.served?.readOnTheWay === true
            ? t('Texts are sent there without encryption: others on the way can read them.')
            : t('Texts are sent there by your commands, and nowhere else.');
      path.hidden = engine !== null;
      choose.title =
        engine !== null
          ? t('{0}: choose another model.', engine)
          : t(
              '{0}, {1} layers × {2} heads, {3} dimensions, vocabulary {4}, context {5} tokens. Choose another model.',
              info.family,
              info.layers,
              info.heads,
              info.dim,
              integer(info.vocab),
              integer(info.contextLength),
            );
      const summary = summarise(explanation, displayLanguage());
      const atLeast = (text: string): string => (summary.atLeast ? `≥ ${text}` : text);
      numbers.replaceChildren(
        ...tokenCount(summary),
        ...number(
          atLeast(decimal(summary.bitsPerToken, 2)),
          t('bits/token'),
          t('Mean surprisal of the text’s tokens; lower is better predicted'),
        ),
        ...number(
          atLeast(decimal(summary.bitsPerByte, 2)),
          t('bits/byte'),
          t('Surprisal of the text over its bytes: comparable between tokenizers'),
          true,
        ),
        ...(engine === null
          ? [...forwardTime(explanation), ...weights(info)]
          : number(decimal(explanation.forwardMs, 0), t('ms'), t('Until the engine had answered'))),
      );
      notices.hidden = state.shown.notices.length === 0;
      notices.replaceChildren(...state.shown.notices.map((notice) => el('li', {}, notice)));
    },
  };
}

/** Number of the text's own tokens, as in the status bar. */
function tokenCount({ own, added }: Summary): readonly HTMLElement[] {
  return number(integer(own), own === 1 ? t('token') : t('tokens'), whoseTokens(added));
}

function whoseTokens(added: number): string {
  if (added === 0) return t('Tokens of the text');
  if (added === 1) return t('Tokens of the text; 1 more was added by the tokenizer');
  return t('Tokens of the text; {0} more were added by the tokenizer', integer(added));
}

function weights({ weightType }: ModelInfo): readonly HTMLElement[] {
  return number(
    weightType,
    t('weights, float32 arithmetic'),
    t('How the file holds the weights; all arithmetic is float32, with quantised weights as the numbers they stand for'),
    true,
  );
}

/** Time of the forward pass. A kept pass took no time for this explanation, nor did tokens kept from another text. */
function forwardTime(explanation: Explanation): readonly HTMLElement[] {
  const { forwardMs, forwardKept = false, forwardShared = 0, tokens, model } = explanation;
  const { provider } = model;
  const native = provider?.kind === 'used' ? t('native, {0}', PROVIDER_NAMES[provider.provider]) : t('native');
  const runtime = model.runtime === 'native' ? native : 'WebAssembly';
  const meaning = [
    ...(forwardKept ? [t('These tokens were run before: nothing was run for this explanation.')] : []),
    ...(forwardShared > 0 ? [keptFrom(forwardShared)] : []),
    t('Forward pass, without loading ({0}, threads: {1})', runtime, model.threads),
  ].join(' ');
  const value = decimal(forwardMs, forwardMs < 10 ? 1 : 0);
  if (forwardKept) return number(value, t('ms before, kept'), meaning);
  return number(value, forwardShared > 0 ? msOfNew(tokens.length - forwardShared) : t('ms'), meaning);
}

function keptFrom(shared: number): string {
  return shared === 1
    ? t('The first token was kept from a text that begins like this one.')
    : t('The first {0} tokens were kept from a text that begins like this one.', integer(shared));
}

function msOfNew(tokens: number): string {
  return tokens === 1 ? t('ms for 1 new token') : t('ms for {0} new tokens', integer(tokens));
}

/** `more`: left out where the panel is low. */
function number(value: string, unit: string, meaning: string, more = false): readonly HTMLElement[] {
  const attributes = { title: meaning, ...(more ? { class: 'more' } : {}) };
  return value === 'NaN' ? [] : [el('div', attributes, el('dd', {}, value), el('dt', {}, unit))];
}

/** Banner shown after the text was edited, as the numbers are from before: with a button that runs again. */
export function createStaleBanner(context: PanelContext): View {
  const text = el('span');
  const root = el(
    'div',
    { class: 'banner', role: 'status', hidden: true },
    text,
    button(t('Run Again'), 'secondary', () => context.host.post({ type: 'command', name: 'runAgain' })),
  );
  const changed = changeDetector();
  return {
    root,
    update: (state) => {
      if (!changed(state.stale, state.activity.kind)) return;
      root.hidden = state.stale.size === 0 || state.activity.kind === 'working';
      text.textContent = t('You edited this text. The numbers below are from before the edit.');
    },
  };
}
