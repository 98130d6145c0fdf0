import { describe, expect, it } from 'vitest';
import { inert, inertEnglish, inertLog, joined, withIcon } from '../../../src/core/inertText.ts';
import { linksAndIcons, UNSEEN } from './vscodeMarks.ts';

const LINK = '[Repair this model](command:workbench.action.terminal.new?%7B%7D)';

describe('inert text', () => {
  it('holds no link and no icon that VS Code would find, and can still be read', () => {
    for (const text of [
      LINK,
      '[a](https://x.example "title")',
      '[a](FILE:///etc/passwd)',
      '[[a](command:x)](command:y)',
      '$(trash)',
      '\\$(sync~spin)',
      '$(a)$(b)',
    ]) {
      expect(linksAndIcons(text)).not.toEqual([]);
      expect(linksAndIcons(inert(text))).toEqual([]);
      expect(inert(text).replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }
  });

  it('is a link in no way of cutting it into values', () => {
    for (let at = 0; at <= LINK.length; at++) {
      const [before, after] = [LINK.slice(0, at), LINK.slice(at)];
      expect(linksAndIcons(inertEnglish('{0}{1}', before, after))).toEqual([]);
      expect(linksAndIcons(inertEnglish('[{0}({1}', before, after))).toEqual([]);
      expect(linksAndIcons(joined([inert(before), inert(after)], '\n'))).toEqual([]);
    }
  });

  it('shows what is not seen', () => {
    expect(inert('a\u001b]0;title\u0007b')).toBe('a␛]0;title␇b');
    expect(inert('\u009b31m \u202eabc\u2066 \u200b\ufeff\u{e0041}\u3164')).toBe(
      '⟨U+009B⟩31m ⟨U+202E⟩abc⟨U+2066⟩ ⟨U+200B⟩⟨U+FEFF⟩⟨U+E0041⟩⟨U+3164⟩',
    );
    expect(inert(']\u200b(command:x)')).toBe(']⟨U+200B⟩(command:x)');
    const characters = Array.from({ length: 0x110000 }, (_, code) => code).filter((code) => UNSEEN.test(String.fromCodePoint(code)));
    expect(characters.length).toBeGreaterThan(130_000);
    expect(characters.filter((code) => UNSEEN.test(inert(`a${String.fromCodePoint(code)}b`)))).toEqual([]);
  });

  it('leaves ordinary text as it is', () => {
    for (const text of [
      '模型 {0} 读不了。',
      '你好，世界 👩‍👩‍👧‍👦 ❤️ é',
      'arr[0] (x) $5 f(x)[1]',
      '/home/me/models/tiny (1).gguf',
      '<|endoftext|>',
      'مرحبا',
    ])
      expect(inert(text)).toBe(text);
    expect(inert('two\n  lines\tand a tab')).toBe('two lines and a tab');
  });

  it('is one line of bounded length, and the same when made inert again', () => {
    const long = inert(`${LINK}\u001b`.repeat(100_000));
    expect(Array.from(long)).toHaveLength(500);
    expect(long.endsWith('…')).toBe(true);
    expect(inert(long)).toBe(long);
    expect(Array.from(inert('👩'.repeat(501)))).toHaveLength(500);
    expect(Array.from(inertEnglish('{0}{1}{2}{3}', ...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(10_000))))).toHaveLength(1500);
  });

  it('has icons of ours where we put them', () => {
    expect(withIcon('loading~spin', inert('$(trash)'))).toBe('$(loading~spin) $ (trash)');
    expect(() => withIcon('a) $(b', inert(''))).toThrow('names no icon');
  });

  it('has no address in the log, which VS Code shows in an editor', () => {
    const logged = inertLog('Opening: https://x.example/a\n    at file:///a/b.js:1\r\nxhttp://y $(trash)\u001b[2J', 1000);
    expect(logged).not.toMatch(/(https?|file):\/\//i);
    expect(logged.split('\n')).toHaveLength(3);
    expect(logged).not.toContain('\u001b');
    expect(inertLog('x\n'.repeat(10_000), 100)).toHaveLength(100);
  });
});
