import { afterEach, describe, expect, it, test } from 'vitest';
import { partsAround, sharedEnds } from '../../../src/core/changedPart.ts';
import { packedTokens } from '../../packedTokens.ts';
import { FakeDocument, FakeUri } from './fakeEditor.ts';
import { withGit } from './fakeGit.ts';
import { explanationOf } from './explanations.ts';
import { endHosts, startHost, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

const comparison = (host: Host) => host.posted().findLast((message) => message.type === 'comparison')?.comparison ?? null;
const first = (host: Host) => host.posted().findLast((message) => message.type === 'explanation')?.shown;
const said = (host: Host): readonly unknown[] => [
  ...host.window.showInformationMessage.mock.calls.map(([message]) => message),
  ...host.errors(),
];

async function compared(host: Host, ...args: readonly unknown[]): Promise<void> {
  host.run('compareHead', ...args);
  while (host.panels.length === 0 && said(host).length === 0) await turns(1);
  host.greet();
  await host.settle();
}

describe('a changed file beside the last commit', () => {
  it('is compared from the editor, with what the change did to what follows', async () => {
    const host = await startHost();
    withGit(host, { '/notes.md': host.document.text.replace('cat', 'dog') });
    await compared(host);
    expect(first(host)).toMatchObject({
      explanation: { text: host.document.text.replace('cat', 'dog') },
      source: { label: 'notes.md (HEAD)' },
    });
    expect(comparison(host)).toMatchObject({ kind: 'text', explanation: { text: host.document.text }, source: { label: 'notes.md' } });
    const [follows = '', diverge = ''] = comparison(host)?.notices ?? [];
    const suffix = host.document.text.length - host.document.text.indexOf('cat') - 3;
    expect(follows).toMatch(new RegExp(`^What follows the change, ${suffix} tokens, takes \\d+\\.\\d bits at HEAD and \\d+\\.\\d now\\.$`));
    const bits = (side: { readonly logprob: Float32Array; readonly tokens: { readonly length: number } } | undefined): string =>
      (-[...(side?.logprob ?? [])].slice(-suffix).reduce((sum, value) => sum + value, 0) / Math.LN2).toFixed(1);
    expect(follows).toContain(`${bits(first(host)?.explanation)} bits at HEAD and ${bits(comparison(host)?.explanation)} now`);
    expect(diverge).toBe(
      `The predictions of the next token diverge by ${comparison(host)?.divergence?.final.toFixed(3)} bits: KL(HEAD ‖ now).`,
    );
    expect(said(host)).toEqual([]);
  });

  it('is shown in its tab where the page is there only after it was compared', async () => {
    const host = await startHost();
    withGit(host, { '/notes.md': host.document.text.replace('cat', 'dog') });
    host.run('compareHead');
    while (host.panels.length === 0) await turns(1);
    await host.settle();
    expect(host.posted()).toEqual([]);
    host.greet();
    const works = host.posted().flatMap((message) => (message.type === 'comparing' ? [message.work] : []));
    expect(works).toMatchObject([{ kind: 'working', open: true }, { kind: 'idle' }]);
    expect(comparison(host)?.source.label).toBe('notes.md');
  });

  it('is compared from the source control view, under its old name where it was renamed, with the line ends of the commit', async () => {
    const host = await startHost();
    withGit(host, { '/old.md': 'a b\nc d\n' }, [['/old.md', '/new.md']]);
    host.documents.set('file:///new.md', new FakeDocument('new.md', 'a b\r\nc e\r\n'));
    await compared(host, { resourceUri: FakeUri.file('/new.md') });
    expect([first(host)?.explanation.text, comparison(host)?.explanation.text]).toEqual(['a b\nc d\n', 'a b\nc e\n']);
    expect(comparison(host)?.notices).toContain('Line ends are read as they are at HEAD.');
  });

  it('is read around the first change where it is too long, and says which lines', async () => {
    const host = await startHost();
    const lines = Array.from({ length: 30 }, (_, i) => `line number ${String.fromCharCode(97 + (i % 26))} is here\n`);
    withGit(host, { '/notes.md': lines.join('') });
    host.document.text = lines.with(20, 'another line stands here\n').join('');
    await compared(host);
    const [a = '', b = ''] = [first(host)?.explanation.text, comparison(host)?.explanation.text];
    expect(lines.join('')).toContain(a);
    expect(host.document.text).toContain(b);
    expect([a.includes('line number u'), b.includes('another line')]).toEqual([true, true]);
    expect(first(host)?.explanation.window).toBeUndefined();
    expect(first(host)?.notices.join()).toMatch(/this is the part around the first change, lines 20 to 2\d\./);
    expect(comparison(host)?.notices.join()).toMatch(/notes\.md at once: this is the part around the first change, lines 20 to 2\d\./);
  });

  it.each([
    [
      'no Git extension',
      () => undefined,
      'VS Code’s own Git extension is off or finds no Git: turn it on to compare with the last commit.',
    ],
    ['no commit', (host: Host) => withGit(host, null), 'This Git repository has no commit yet: there is nothing to compare notes.md with.'],
    [
      'an untracked file',
      (host: Host) => withGit(host, {}),
      'notes.md is not in the last commit (HEAD): there is nothing to compare it with.',
    ],
    [
      'no change',
      (host: Host) => withGit(host, { '/notes.md': host.document.text }),
      'notes.md is as it is in the last commit: there is no change to look at.',
    ],
    [
      'a file that was empty',
      (host: Host) => withGit(host, { '/notes.md': '' }),
      'One of the two texts is empty: there is nothing to compare.',
    ],
    [
      'a binary file',
      (host: Host) => withGit(host, { '/notes.md': null }),
      'notes.md cannot be opened as a text: it is binary, too large, or gone.',
    ],
    [
      'bytes',
      (host: Host) => withGit(host, { '/notes.md': 'GIF\0\0' }),
      'notes.md cannot be opened as a text: it is binary, too large, or gone.',
    ],
  ] as const)('is one sentence where there is %s', async (_, prepare, sentence) => {
    const host = await startHost();
    prepare(host);
    host.run('compareHead');
    while (said(host).length === 0) await turns(1);
    await host.settle();
    expect(said(host)).toEqual([sentence]);
    expect(host.panels).toEqual([]);
  });
});

test('two texts share whole characters at their ends, which do not meet', () => {
  expect(sharedEnds('abcd', 'abXcd')).toEqual({ prefix: 2, suffix: 2 });
  expect(sharedEnds('aaa', 'aa')).toEqual({ prefix: 2, suffix: 0 });
  expect(sharedEnds('x😀y', 'x😁y')).toEqual({ prefix: 1, suffix: 1 });
  expect(sharedEnds('a\u{1f600}', 'a\u{1fa00}')).toEqual({ prefix: 1, suffix: 0 });
});

test('a part begins with a line about half its tokens before the change, in both texts', () => {
  const text = 'ab\n'.repeat(40);
  const tokens = packedTokens(explanationOf(Array.from(text, (piece) => ({ text: piece, probability: 0.5 }))).tokens);
  const [a, b] = partsAround([text, text], [tokens, tokens], 61, 40);
  expect(a).toEqual({ start: 42, end: 74 });
  expect(b).toEqual(a);
  expect(partsAround([text, text], [tokens, tokens], 61, 120)[0]).toEqual({ start: 0, end: text.length });
});
