import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { factor } from '../../src/model/chat/chatMeasure.ts';
import { chatTemplate } from '../../src/model/chat/chatTemplate.ts';

const doubled = (times: number): string =>
  `{% set ns = namespace(s='x', a=[1]) %}{% for i in range(${times}) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`;
const deep = (open: string, inner: string, close: string, times: number): string => open.repeat(times) + inner + close.repeat(times);

/** Templates that take time, memory or stack without end, before or after the message. */
const BOMBS: readonly (readonly [name: string, template: string])[] = [
  [
    'loops in loops',
    '{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}',
  ],
  ['loops in loops that do nothing', '{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}'],
  ['loops whose items are all left out', '{% for a in range(10000) %}{% for b in range(10000) if false %}{% endfor %}{% endfor %}'],
  ['a range without an end', '{% for a in range(1000000000) %}x{% endfor %}'],
  ['a macro that calls itself', '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}'],
  ['a macro that calls itself twice', '{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}'],
  [
    'a call block that calls itself',
    '{% macro f(n) %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f(1) %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}',
  ],
  ['a text doubled', doubled(60)],
  [
    'a text doubled and kept',
    `{% set ns = namespace(s='x', a=[]) %}{% for i in range(20) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{% for i in ` +
      `range(10000) %}{% set ns.a = ns.a + [ns.s ~ i] %}{% endfor %}`,
  ],
  [
    'a text doubled in a row of names',
    Array.from({ length: 60 }, (_, i) => `{% set a${i} = ${i === 0 ? "'xy'" : `a${i - 1} + a${i - 1}`} %}`).join(''),
  ],
  ['a list doubled', Array.from({ length: 60 }, (_, i) => `{% set a${i} = ${i === 0 ? '[1]' : `a${i - 1} + a${i - 1}`} %}`).join('')],
  [
    'a list of twice itself',
    `${Array.from({ length: 60 }, (_, i) => `{% set a${i} = ${i === 0 ? '[1]' : `[a${i - 1}, a${i - 1}]`} %}`).join('')}{{ a59 | tojson }}`,
  ],
  [
    'an object of twice itself',
    `${Array.from({ length: 60 }, (_, i) => `{% set a${i} = ${i === 0 ? '{}' : `{'x': a${i - 1}, 'y': a${i - 1}}`} %}`).join('')}{{ a59 }}`,
  ],
  ['a namespace in itself', '{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}'],
  ['a namespace in itself, compared', "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a == 'x' }}"],
  ['a text replaced by itself', `${doubled(20)}{{ ns.s.replace('x', ns.s) }}`],
  ['a text replaced by itself, by the filter', `${doubled(20)}{{ ns.s | replace('x', ns.s) }}`],
  ['a text replaced by itself, by another name', `${doubled(20)}{% set f = ns.s.replace %}{{ f('', ns.s) }}`],
  ['a list joined by a long text', `${doubled(20)}{{ range(10000) | join(ns.s) }}`],
  ['a text joined by a long text', `${doubled(20)}{{ ns.s | join(ns.s) }}`],
  ['lines indented far', "{{ 'a\nb' | indent(500000000) }}"],
  ['lines indented far, by name', "{{ 'a\nb' | indent(width=500000000, first=true) }}"],
  ['a filter block that indents far', '{% filter indent(500000000) %}a\nb{% endfilter %}'],
  ['JSON indented far', '{{ [[[1]]] | tojson(indent=400000000) }}'],
  ['JSON with long separators', `${doubled(20)}{{ range(10000) | list | tojson(separators=(ns.s, ns.s)) }}`],
  ['a long text sought in a long text', `${doubled(20)}{% for i in range(9999) %}{{ (ns.s ~ 'y') in ns.s }}{% endfor %}`],
  [
    'arguments spread',
    `${Array.from({ length: 40 }, (_, i) => `{% set a${i} = ${i === 0 ? '[1]' : `a${i - 1} + a${i - 1}`} %}`).join('')}{{ f(*a39) }}`,
  ],
  ['brackets in brackets', `{{ ${deep('(', '1', ')', 50_000)} }}`],
  ['lists in lists', `{{ ${deep('[', '1', ']', 50_000)} }}`],
  ['conditions in conditions', deep('{% if true %}', 'x', '{% endif %}', 10_000)],
  ['not not not', `{{ ${'not '.repeat(60_000)}1 }}`],
  ['a row of additions', `{{ ${'1+'.repeat(100_000)}1 }}`],
  [
    'a long body of a macro, read again and again',
    `{% for i in range(10000) %}{% macro f() %}${'{{ x }}'.repeat(20_000)}{% endmacro %}{% endfor %}`,
  ],
  ['a row of filters', `{{ 'x'${' | trim'.repeat(30_000)} }}`],
  [
    'a list that nests ever deeper',
    '{% set ns = namespace(a=[]) %}{% for i in range(10000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}',
  ],
  ['an exception with a long text', `${doubled(22)}{{ raise_exception(ns.s) }}`],
  ['too long', 'x'.repeat(300_000)],
];

describe('a chat template that was made to take long', () => {
  it.each(BOMBS)('%s: refused in one sentence', (_, bomb) => {
    const template = chatTemplate(`${bomb}{{ messages[0].content }}`, {});
    const memory = process.memoryUsage().heapUsed;
    expect(() => template('hello')).toThrow(UserError);
    expect(process.memoryUsage().heapUsed - memory).toBeLessThan(512 * 1024 * 1024);
    try {
      template('hello');
    } catch (error) {
      expect((error as UserError).message).toMatch(/^The chat template of this model [^\n]{5,300}\.$/);
      expect((error as UserError).message).not.toMatch(/call stack|Invalid (string|array) length/);
    }
  });
});

describe('a long message', () => {
  it('is written by a template that looks at it as real ones do', () => {
    const source =
      "{% for message in messages %}{% set content = message.content %}{% if content is string and '</think>' in content %}{% " +
      "set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}" +
      "{% if message.role == 'user' and messages | length > 0 and message['content'] != '' %}<|user|>{{ content | trim " +
      '}}<|end|>\n{% endif %}{% if loop.last %}<|assistant|>{% endif %}{% endfor %}';
    const text = 'words and words '.repeat(60_000).trim();
    const { text: rendered, start, end } = chatTemplate(source, {})(text);
    expect(rendered.slice(start, end)).toBe(text);
    expect(rendered).toBe(`<|user|>${text}<|end|>\n<|assistant|>`);
  });
});

it('takes an argument to be as long as the longest text it can stand for', () => {
  expect(factor({ value: 'four' })).toBe(4);
  expect(factor({ value: [{ value: 'one' }, { value: 'two' }] })).toBe(7);
  expect(
    factor({
      value: new Map([
        ['short', { value: 'a' }],
        ['long', { value: 'abcde' }],
      ]),
    }),
  ).toBe(5);
});
