/** A text that the path through the panel offers. */
export interface ExampleText {
  readonly text: string;
  /** Display language that it is for; null: any. */
  readonly language: 'en' | 'zh' | null;
  /** Language of its document, by VS Code's name. */
  readonly mode: string;
}

/** The texts that the path offers, by name: each shows something that few texts of one's own show at once. */
export const EXAMPLE_TEXTS = {
  /** Rare characters, of several tokens each, and a word that comes twice. */
  catGirl: { text: '你是一只猫娘，你好你好！', language: null, mode: 'plaintext' },
  /** One word with two meanings. */
  apple: {
    text: 'She ate a red apple after lunch. Shares of apple rose after the company showed a new phone.',
    language: 'en',
    mode: 'plaintext',
  },
  appleChinese: { text: '她午饭后吃了一个红苹果。苹果公司发布了新手机，股票大涨。', language: 'zh', mode: 'plaintext' },
  /** Words that are alike, and their opposites. */
  opinions: { text: 'The food was good, the service excellent, the room bad and the noise terrible.', language: 'en', mode: 'plaintext' },
  opinionsChinese: { text: '好，坏，优秀，差劲。', language: 'zh', mode: 'plaintext' },
  /** What comes again can be copied. */
  repeated: {
    text: 'The old clock struck seven at dawn.\nThe old clock struck seven at dawn.\n',
    language: 'en',
    mode: 'plaintext',
  },
  repeatedChinese: { text: '山路尽头有一座白色的小庙。\n山路尽头有一座白色的小庙。\n', language: 'zh', mode: 'plaintext' },
  code: { text: 'for (let i = 0; i < tokens.length; i++) console.log(tokens[i].text);', language: null, mode: 'javascript' },
} as const satisfies Readonly<Record<string, ExampleText>>;

/** Name of an example. */
export type ExampleName = keyof typeof EXAMPLE_TEXTS;

/** Names of all examples. */
// The type of a constant's keys is known here and nowhere else.
export const EXAMPLE_NAMES = Object.keys(EXAMPLE_TEXTS) as readonly ExampleName[];

/** Names of the examples in a display language, such as "zh-cn". */
export function examplesIn(language: string): readonly ExampleName[] {
  const own = language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  return EXAMPLE_NAMES.filter((name) => [null, own].includes(EXAMPLE_TEXTS[name].language));
}
