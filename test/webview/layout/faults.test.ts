import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, type Browser } from '../../e2e/browser.ts';
import { checker } from './checker.ts';

const STYLE =
  `<!doctype html><meta charset="utf-8"><style>body { margin: 0; font: 13px/1.4 sans-serif; } .cell { display: ` +
  `inline-block; } .abs { position: absolute; } .visually-hidden { position: absolute; clip-path: inset(50%); width: 1px; height: ` +
  `1px; overflow: hidden; }</style>`;
const LONG = 'a rather long sentence that needs room';

/** Known faults, and what has to be said of each. */
const FAULTS: readonly (readonly [name: string, html: string, said: RegExp])[] = [
  ['a table that nobody can save', '<table><tr><td>1</td></tr></table>', /^table .*has no menu that saves it$/],
  [
    'two texts',
    '<div class="abs" style="left:10px;top:10px">first words</div><div class="abs" style="left:40px;top:14px">second words</div>',
    /“(first|second) words” lies on “(first|second) words”/,
  ],
  [
    'a text and a slider',
    '<p class="abs" style="top:0;left:0">52.5%</p><input class="abs" type="range" id="heat" style="top:0;left:0;width:100px">',
    /“input\.abs “heat”” lies on “52\.5%”|“52\.5%” lies on “input\.abs “heat””/,
  ],
  [
    'two controls',
    '<button class="abs" style="left:0;top:0">one button</button><button class="abs" style="left:30px;top:5px">two</button>',
    /one button.* lies on|lies on .*one button/,
  ],
  [
    'lines of one paragraph',
    '<p style="line-height:6px;width:80px;margin:20px">one two three four five six seven eight nine ten</p>',
    /lies on/,
  ],
  [
    'a text and one inside of its paragraph',
    '<p style="position:relative">the words of a paragraph<span class="abs" style="left:20px">a note</span></p>',
    /“(a note|the words of a paragraph)” lies on/,
  ],
  [
    'labels of an axis',
    '<svg width="200" height="40"><text x="10" y="20">token one</text><text x="40" y="20">token two</text></svg>',
    /“token (one|two)” lies on “token (one|two)”/,
  ],
  [
    'turned labels',
    '<svg width="200" height="120"><text transform="translate(40 100) rotate(-60)">first one</text><text transform="translate(46 ' +
      '100) rotate(-60)">other one</text></svg>',
    /one” lies on/,
  ],
  [
    'a text its box cuts off',
    `<div id="box" style="width:80px;overflow:hidden;white-space:nowrap">${LONG}</div>`,
    /is cut off by div “a rather/,
  ],
  [
    'a text whose end no pointer finds',
    `<div style="width:80px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis" title="another">${LONG}</div>`,
    /is cut off/,
  ],
  ['a label that a drawing cuts off', `<svg width="60" height="30"><text x="0" y="20">${LONG}</text></svg>`, /is cut off by svg/],
  [
    'a line below a lid',
    '<div style="height:20px;overflow:hidden"><p>one line</p><p>another line</p></div>',
    /“another line” is cut off|“one line” is cut off/,
  ],
  [
    'a frame that scrolls sideways',
    `<div class="frame" style="width:100px;overflow:auto;white-space:nowrap">${LONG}</div>`,
    /div\.frame .* scrolls sideways \(\d+ px\)/,
  ],
  ['a page that scrolls sideways', '<div style="width:3000px">wide</div>', /the page scrolls sideways/],
  ['a list too narrow for its choice', `<select style="width:90px"><option>${LONG}</option></select>`, /does not fit select/],
  ['a field too narrow for its placeholder', `<input type="text" style="width:60px" placeholder="${LONG}">`, /does not fit input/],
  [
    'a hole between controls and figure',
    '<div style="display:flex;flex-direction:column"><div style="flex:0 0 320px;display:flex;align-items:center"><input ' +
      'type="range"></div><canvas height="50"></canvas></div>',
    /\d+ px of nothing between .*input|px of nothing between div/,
  ],
  ['a hole above the first words', '<section style="padding-top:90px"><p>words</p></section>', /px of nothing between the top of section/],
  ['a number with the hyphen of code', '<p>Logit: -0.35</p>', /a hyphen in place of a minus sign in “Logit: -0\.35”/],
  ['half-width punctuation', '<p>第一侧: first.txt</p>', /half-width punctuation in “第一侧: first\.txt”/],
];

/** What looks like a fault and is none. */
const SOUND: readonly (readonly [name: string, html: string])[] = [
  ['texts side by side', '<span class="cell">one</span> <span class="cell">two</span><p>three</p>'],
  ['a text in its button', '<button>press here</button>'],
  [
    'turned labels that stand apart',
    '<svg width="200" height="120"><text transform="translate(40 110) rotate(-60)">first one</text><text transform="translate(62 ' +
      '110) rotate(-60)">other one</text></svg>',
  ],
  [
    'a shortened text that says the whole',
    `<div style="width:80px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis" title="${LONG}">${LONG}</div>`,
  ],
  [
    'a shortened text beside another',
    `<div style="display:flex;width:160px"><div style="width:80px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis" ` +
      `title="${LONG}">${LONG}</div><div>next</div></div>`,
  ],
  ['a grid that is meant to be scrolled', `<div class="scroll-x" style="width:100px;overflow-x:auto;white-space:nowrap">${LONG}</div>`],
  [
    'what is scrolled out of sight',
    '<div style="height:40px;overflow-y:auto"><p>one</p><p>two</p><p>three</p><p>four</p></div><p>below</p>',
  ],
  [
    'words for screen readers only',
    '<p>seen</p><p class="visually-hidden" style="top:0;left:0">for the ear, as long as it wants to be</p>',
  ],
  [
    'what is not shown',
    '<p>seen</p><p class="abs" style="top:0;left:0;opacity:0">unseen</p><p class="abs" style="top:0;left:0;visibility:hidden">unseen</p>',
  ],
  ['a list that says its choice under the pointer', `<select style="width:90px" title="${LONG}"><option>${LONG}</option></select>`],
  [
    'columns of different heights',
    '<div style="display:grid;grid-template-columns:100px 100px"><div style="height:200px"><p>left</p></div><canvas width="90" ' +
      'height="190"></canvas></div><p>below</p>',
  ],
  ['a token as it is', '<p><span class="token-text">你好: </span><span class="token-text">-5</span></p>'],
  ['a minus sign, and hyphens in names', '<p>−0.35 by GPT-2 on 2026-11-30</p>'],
];

describe('the check of layouts', () => {
  let browser: Browser;
  let script = '';
  beforeAll(async () => {
    [browser, script] = await Promise.all([openBrowser(), checker()]);
    await browser.page.setViewportSize({ width: 800, height: 600 });
  });
  afterAll(() => browser?.close());

  async function faultsOf(html: string): Promise<readonly string[]> {
    await browser.page.setContent(STYLE + html);
    await browser.page.evaluate(script);
    return browser.page.evaluate(() => window.layout.layoutFaults());
  }

  it.each(FAULTS)('finds %s', async (_, html, said) => {
    const found = await faultsOf(html);
    expect(
      found.some((fault) => said.test(fault)),
      found.join('\n'),
    ).toBe(true);
  });

  it.each(SOUND)('is content with %s', async (_, html) => {
    expect(await faultsOf(html)).toEqual([]);
  });

  it('lets a row slide under a heading that stays, once it is scrolled', async () => {
    await browser.page.setContent(
      `${STYLE}<div id="frame" style="height:60px;overflow-y:auto"><p ` +
        `style="position:sticky;top:0;margin:0;background:white">heading</p>${'<p>row</p>'.repeat(9)}</div>`,
    );
    await browser.page.evaluate(script);
    await browser.page.evaluate(() => document.getElementById('frame')?.scrollTo(0, 37));
    expect(await browser.page.evaluate(() => window.layout.layoutFaults())).toEqual([]);
  });
});
