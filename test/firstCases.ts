/**
 * Whether each thing is tried on the first of several cases: the environment variable TEST_FIRST, which `npm test` sets. Everything else,
 * `npm run test:all` and a test file that is run by itself among it, tries all of them.
 */
export const FIRST_ONLY = process.env['TEST_FIRST'] === '1';

/** Cases such as `llama.1` and `llama.2`: all of them, or only the first of each family. A name without a number is the only one. */
export function firstCases<Case extends string | readonly [string, ...unknown[]]>(cases: readonly Case[]): readonly Case[] {
  const nameOf = (one: Case): string => (typeof one === 'string' ? one : one[0]);
  return FIRST_ONLY ? cases.filter((one) => !/\.(?:[2-9]|\d\d+)$/.test(nameOf(one))) : cases;
}
