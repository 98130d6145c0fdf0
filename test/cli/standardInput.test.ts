import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const cli = join(import.meta.dirname, '../../dist/cli.js');

function run(
  args: readonly string[],
  input: string | Buffer,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args]);
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const TEXT = '\ufeffThe café, 今天\r\n';

it.each([
  ['trace', '--top', '2'],
  ['generate', '--tokens', '3', '--format', 'text'],
])('%s reads the text of standard input exactly', async (...command) => {
  const piped = await run([...command, '--file', '-'], TEXT);
  expect(piped.code).toBe(0);
  expect(piped).toEqual(await run([...command, '--text', TEXT], ''));
});

it('compare reads one of its two texts there, and --output - is standard output', async () => {
  const expected = await run(['compare', '--text', 'a b', '--with-text', 'a c'], '');
  expect(await run(['compare', '--file', '-', '--with-text', 'a c'], 'a b')).toEqual(expected);
  expect(await run(['compare', '--text', 'a b', '--with-file', '-', '--output', '-'], 'a c')).toEqual(expected);
});

it.each<[string, readonly string[], string | Buffer, number, RegExp]>([
  [
    'two at once',
    ['compare', '--file', '-', '--with-file', '-'],
    'a',
    2,
    /Standard input can be read once: --file - or --with-file -, not both\.$/,
  ],
  ['nothing', ['trace', '--file', '-'], '', 1, /--file - \(standard input\) is empty: there is nothing to explain\.$/],
  ['nothing for the second side', ['compare', '--text', 'a', '--with-file', '-'], '', 1, /--with-file - \(standard input\) is empty/],
  ['no text', ['trace', '--file', '-'], Buffer.from([0x63, 0xe9]), 1, /--file - \(standard input\) is not UTF-8 text\.$/],
  [
    'what does not end',
    ['trace', '--file', '-'],
    Buffer.alloc(101_000_000, 'a'),
    1,
    /--file - \(standard input\) does not end after 100\.0 MB/,
  ],
])('refuses %s in one line', async (_, args, input, code, message) => {
  const result = await run(args, input);
  expect([result.code, result.out]).toEqual([code, '']);
  expect(result.err).toMatch(/^explain-tokens: [^\n]+\n$/);
  expect(result.err.trimEnd()).toMatch(message);
});

it('says on a terminal that it waits for the keyboard', async () => {
  const said = await new Promise<string>((resolve) => {
    const terminal = spawn('script', [
      '--quiet',
      '--return',
      '--command',
      `"${process.execPath}" "${cli}" trace --top 0 --file -`,
      '/dev/null',
    ]);
    let out = '';
    terminal.stdout.on('data', (piece: Buffer) => {
      out += piece.toString();
      if (out.includes('Ctrl+D') && !out.includes('typed')) terminal.stdin.write('typed\n\u0004');
    });
    terminal.on('close', () => resolve(out));
  });
  expect(said).toContain('explain-tokens: Reading the text from the keyboard: end it with Ctrl+D on a line of its own.');
  expect(said).toContain('"tokens":[');
  expect(said).not.toContain('cannot be read');
});
