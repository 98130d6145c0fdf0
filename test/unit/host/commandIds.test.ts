import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PANEL_COMMANDS } from '../../../src/protocol/messages.ts';

/** The extension registers what package.json names, and runs it by name. */
test('every command of package.json does something, and every command is in package.json', () => {
  const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as { contributes: { commands: { command: string }[] } };
  const implemented = [
    'commands',
    'models/libraryCommands',
    'engines/engineCommands',
    'wholeFile/fileCommands',
    'wholeFile/surpriseCommands',
  ].flatMap((file) =>
    [...readFileSync(`src/host/${file}.ts`, 'utf8').matchAll(/^ {4}'(explainTokens\.\w+)':/gm)].map(([, id]) => id ?? ''),
  );
  const contributed = contributes.commands.map(({ command }) => command);
  expect(implemented).toHaveLength(contributed.length);
  expect(new Set(implemented)).toEqual(new Set(contributed));
  for (const name of PANEL_COMMANDS) expect(contributed).toContain(`explainTokens.${name}`);
});
