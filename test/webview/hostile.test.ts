// @vitest-environment happy-dom
import { render } from 'lit-html';
import { describe, expect, it } from 'vitest';
import type { Explanation, Token } from '../../src/core/trace.ts';
import type { ShownExplanation } from '../../src/protocol/messages.ts';
import type { QueryArgs, PageQueryName, QueryResult } from '../../src/protocol/queries.ts';
import { describeToken, type PanelContext, type View } from '../../webview/context.ts';
import { createStore, initialState, reduce, type ViewState } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { createTooltip } from '../../webview/parts/tooltip.ts';
import { createHeader } from '../../webview/parts/panelHeader.ts';
import { createNextToken } from '../../webview/views/predictions/nextToken.ts';
import { createStatus } from '../../webview/parts/status.ts';
import { createTokens } from '../../webview/views/tokens/tokensView.ts';
import { createTokenStrip } from '../../webview/parts/tokenStrip.ts';
import { cellSteps } from '../../webview/views/attention/cellSteps.ts';
import { shownNumber } from '../shownNumber.ts';
import { readFixture } from './readFixture.ts';

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '[x](command:a)',
  '\u0000',
  '\u202egnp.exe\u2066',
  '\ud83d',
  '👩‍👩‍👧',
  '\r\n',
  '\t',
  ' '.repeat(300),
  '</span><b>',
  '&lt;',
  '${x}',
  '{0}',
];

const { shown, answer } = readFixture();

/** The fixture's numbers over tokens with texts made to break a page. */
function hostile(): ShownExplanation {
  const tokens = shown.explanation.tokens.map((token, index): Token => {
    const text = HOSTILE[index % HOSTILE.length] ?? '';
    return { ...token, text, bytes: [...new TextEncoder().encode(text)], special: false, partial: false };
  });
  const pieces: Explanation['pieces'] = Object.fromEntries(
    Object.keys(shown.explanation.pieces).map((id, index) => [id, HOSTILE[index % HOSTILE.length] ?? '']),
  );
  return {
    ...shown,
    explanation: { ...shown.explanation, tokens, pieces, model: { ...shown.explanation.model, name: '<b>model</b>' } },
    source: { ...shown.source, label: '<i>file</i>' },
    notices: ['<u>notice</u>'],
  };
}

function setUp(make: (context: PanelContext) => View): { root: HTMLElement; state: ViewState } {
  const state = reduce(
    initialState(
      readTheme(() => '', 'dark'),
      undefined,
    ),
    { type: 'host', message: { type: 'explanation', shown: hostile() } },
  );
  const store = createStore(state, () => {});
  const query = <Name extends PageQueryName>(_slot: string, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> => {
    const result = answer({ name, args } as Parameters<typeof answer>[0]) as QueryResult<Name>;
    return Promise.resolve({ ...result, pieces: hostile().explanation.pieces });
  };
  const context: PanelContext = {
    host: { post: () => {}, drop: () => {}, receive: () => {}, query },
    store,
    tooltip: createTooltip(document.body),
    announce: () => {},
  };
  const view = make(context);
  document.body.append(view.root);
  view.update(state);
  return { root: view.root, state };
}

/** Elements that a text could only have made by being read as markup. */
function injected(root: ParentNode): number {
  return root.querySelectorAll('img, script, b, i, u, a, iframe').length;
}

describe('hostile text stays text', () => {
  it('in the token strip', () => {
    const { root } = setUp(createTokenStrip);
    const chips = [...root.querySelectorAll('.token')];
    expect(chips).toHaveLength(shown.explanation.tokens.length);
    expect(chips[0]?.textContent).toBe('<img·src=x·onerror=alert(1)>');
    expect(chips[3]?.textContent).toBe('␀');
    expect(chips[4]?.textContent).toBe('⟨U+202E⟩gnp.exe⟨U+2066⟩');
    expect(chips.every((chip) => chip.childNodes.length === 1 && chip.firstChild?.nodeType === Node.TEXT_NODE)).toBe(true);
    expect(injected(root)).toBe(0);
  });

  it('in the table of tokens', () => {
    const { root } = setUp(createTokens);
    expect(root.querySelectorAll('tbody tr')).toHaveLength(shown.explanation.tokens.length);
    expect(root.textContent).toContain('<script>alert(1)</script>');
    expect(injected(root)).toBe(0);
  });

  it('in header and notices', () => {
    const { root } = setUp(createHeader);
    expect(root.textContent).toContain('<b>model</b>');
    expect(root.textContent).toContain('<u>notice</u>');
    expect(injected(root)).toBe(0);
  });

  it('in messages of failure', () => {
    let view: View | undefined;
    const { root, state } = setUp((context) => (view = createStatus(context)));
    view?.update(reduce(state, { type: 'host', message: { type: 'failure', message: '<img src=x onerror=alert(1)>' } }));
    expect(root.querySelector('.status-text')?.textContent).toBe('<img src=x onerror=alert(1)>');
    expect(injected(root)).toBe(0);
  });

  it('among the next tokens', async () => {
    const { root } = setUp(createNextToken);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(root.querySelectorAll('.candidates tbody tr').length).toBeGreaterThan(5);
    expect(root.textContent).toContain('<');
    expect(injected(root)).toBe(0);
  });

  it('in the arithmetic of a cell and in the tooltip', () => {
    const { explanation } = hostile();
    const tooltip = createTooltip(document.body);
    const cell = answer({ name: 'attentionCell', args: { layer: 2, head: 5, query: 14, key: 0 } }) as QueryResult<'attentionCell'>;
    const host = document.createElement('div');
    render(cellSteps(cell, explanation, tooltip), host);
    expect(host.textContent).toContain('<img·src=x·onerror=alert(1)>');
    tooltip.show(describeToken(explanation, 0), 0, 0);
    expect(document.querySelector('.tooltip:not([hidden]) .tooltip-title')?.textContent).toBe('<img·src=x·onerror=alert(1)>');
    expect(injected(host) + injected(document.body)).toBe(0);
  });
});

describe('one weight', () => {
  it('shows the model’s numbers: score, scale, softmax', () => {
    const cell = answer({ name: 'attentionCell', args: { layer: 2, head: 5, query: 14, key: 13 } }) as QueryResult<'attentionCell'>;
    const host = document.createElement('div');
    render(cellSteps(cell, shown.explanation, createTooltip(document.body)), host);
    const values = [...host.querySelectorAll('.step-value')].map((value) => value.textContent);
    expect(shownNumber(values[0] ?? '')).toBeCloseTo(cell.dot, 1);
    expect(shownNumber(values[1] ?? '')).toBeCloseTo(cell.dot / Math.sqrt(32), 2);
    expect(values[2]).toBe('kept');
    expect(shownNumber(values[3] ?? '')).toBeCloseTo(Math.exp(cell.scaled - cell.rowMax), 2);
    expect(Number.parseFloat(values[4] ?? '')).toBeCloseTo(100 * cell.weight, 0);
    expect(host.querySelectorAll('.product')).toHaveLength(32);
  });
});
