import type { Translate } from '../../core/translatable.ts';

declare const markdownMark: unique symbol;

/** Markdown in which all untrusted text is code, which is shown and never interpreted. */
export type Markdown = string & { readonly [markdownMark]: true };

/** Formats one of our sentences with Markdown values. */
export type SayMarkdown = (text: string, ...values: (Markdown | number)[]) => Markdown;

/** A Markdown code span that shows exactly `text`, even if it has backticks. `text` has no line breaks. */
export function codeSpan(text: string): Markdown {
  const fence = '`'.repeat(longestRun(text) + 1);
  const padding = text.startsWith('`') || text.endsWith('`') || text.trim() === '' ? ' ' : '';
  return `${fence}${padding}${text}${padding}${fence}` as Markdown;
}

/** A Markdown code block that shows exactly `lines`, even if they have code fences. */
export function codeBlock(lines: readonly string[]): Markdown {
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return `${fence}text\n${lines.join('\n')}\n${fence}` as Markdown;
}

/** A number as Markdown. Throws Error for text with characters other than those of numbers, which Markdown would interpret. */
export function figure(text: string): Markdown {
  if (!/^[\w.,%+ \-−×⁻⁰¹²³⁴-⁹]*$/.test(text)) throw new Error(`${text} is no number.`);
  return text as Markdown;
}

/** Markdown parts with `separator` between them. */
export function joinedMarkdown(parts: readonly Markdown[], separator: ' ' | ' · ' | '\n\n'): Markdown {
  return parts.join(separator) as Markdown;
}

/** Wraps a translation function for sentences with Markdown values. */
export function inMarkdown(translate: Translate): SayMarkdown {
  return (text, ...values) => translate(text, ...values) as Markdown;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
