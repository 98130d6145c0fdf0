import { msg, type Translatable } from '../../core/translatable.ts';
import { refuse } from './tokenizerJson.ts';

/** A token of a regular expression: an escape, the start of a class or group, a counted repetition, or one character. */
const PART = /\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|[\s\S])|\{\d*,?\d*\}|[\s\S]/gu;

/**
 * Rewrites Oniguruma's possessive quantifiers (X++, X*+, X?+: no backtracking into X), which JavaScript lacks and the library reads as
 * greedy ones, with lookaheads. For a single character X the two are equivalent: as many as there are, and none after. Refuses
 * possessive groups.
 */
export function withoutPossessives(source: string, what: Translatable | string): string {
  const parts = source.match(PART) ?? [];
  let written = '';
  for (let i = 0; i < parts.length;) {
    const end = parts[i] === '[' ? classEnd(parts, i) : i + 1;
    const atom = parts.slice(i, end).join('');
    const [quantifier = '', possessive = ''] = parts.slice(end, end + 2);
    i = end;
    if (!/^[+*?]$/.test(quantifier) || possessive !== '+' || /^[(|]$/.test(atom)) {
      written += atom;
      continue;
    }
    if (atom === ')') refuse(msg`${what} has a possessive group, which is not supported.`);
    written += quantifier === '?' ? `(?:${atom}|(?!${atom}))` : `${atom}${quantifier}(?!${atom})`;
    i += 2;
  }
  return written;
}

/** Index after the class that begins at `start`; classes nest. */
function classEnd(parts: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < parts.length; i++) {
    if (parts[i] === '[') depth++;
    // A bracket right after the opening one, or after its ^, is a member.
    const member = parts[i - 1] === '[' || (parts[i - 1] === '^' && parts[i - 2] === '[');
    if (parts[i] === ']' && !member && --depth === 0) return i + 1;
  }
  return parts.length;
}
