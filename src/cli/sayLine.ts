import { visibleControls } from '../core/visibleText.ts';

/**
 * Writes one line to standard error and resolves when it is written. Control characters are made visible, so words from models, files
 * and hubs cannot act on the terminal.
 */
export function say(sentence: string): Promise<void> {
  return new Promise((resolve) =>
    process.stderr.write(`explain-tokens: ${visibleControls(sentence.replace(/\s*\n\s*/g, ' '))}\n`, () => resolve()),
  );
}
