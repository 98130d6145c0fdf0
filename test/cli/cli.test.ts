import { countText } from '../../src/core/countText.ts';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { version } from '../../package.json';
import { expectClose, openGolden } from '../golden/oracle.ts';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { folder } from '../unit/model/folder.ts';
import { runHere } from './commandLine.ts';

const root = join(import.meta.dirname, '..', '..');
const models = join(root, 'test', 'fixtures', 'models');
let work = '';

interface Result {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...args], { cwd: work, env: { ...process.env, ...env } });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err }));
  });
}

interface TraceJson {
  readonly model: Readonly<Record<string, unknown>>;
  readonly tokens: readonly {
    readonly index: number;
    readonly id: number;
    readonly text: string;
    readonly bytes: readonly number[];
    readonly start: number;
    readonly end: number;
    readonly special: boolean;
    readonly partial: boolean;
    readonly logprob: number | null;
    readonly rank: number | null;
    readonly entropy: number | null;
    readonly top: readonly { readonly id: number; readonly text: string; readonly prob: number }[];
  }[];
}

async function trace(...args: readonly string[]): Promise<TraceJson> {
  const { code, out, err } = await runHere(['trace', ...args], work);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as TraceJson;
}

/** One line that begins with the program's name, and no stack. */
function expectRefusal({ code, out, err }: Result, expectedCode: number, message: RegExp): void {
  expect(err).toMatch(/^explain-tokens: [^\n]+\n$/);
  expect(err).toMatch(message);
  expect([code, out.length]).toEqual([expectedCode, 0]);
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-cli-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Expected {
  readonly text: string;
  readonly ids: readonly number[];
  readonly logprob: readonly (number | null)[];
  readonly rank: readonly (number | null)[];
  readonly entropy: readonly (number | null)[];
  readonly topIds: readonly (readonly number[])[];
  readonly topLogprobs: readonly (readonly number[])[];
}
const bundled = Object.entries(JSON.parse(readFileSync(join(models, 'bundled.json'), 'utf8')) as Record<string, Expected>);

it('traces a GGUF file of any name, and says how it holds its weights', async () => {
  writeFileSync(join(work, 'sha256-0a'), gunzipSync(readFileSync(join(root, 'test', 'fixtures', 'gguf', 'llama.q4_0.gguf.gz'))));
  const golden = await openGolden(folder('test/fixtures/gguf'), 'golden.safetensors');
  const asked = ['trace', '--model', 'sha256-0a', '--ids', [...(await golden.ids())].join(',')];
  const listed = await run(asked);
  expect([listed.code, listed.err]).toEqual([0, 'explain-tokens: Tokens have no text: sha256-0a holds no tokenizer.\n']);
  expect((JSON.parse(listed.out.toString()) as TraceJson).model).toMatchObject({
    name: 'sha256-0a',
    family: 'llama',
    weights: 'Q4_0 weights, float32 arithmetic',
  });
  expect((await run([...asked, '--format', 'safetensors', '--output', 'gguf.safetensors'])).code).toBe(0);
  const traced = await openGolden(folder(work), 'gguf.safetensors');
  expectClose(await traced.floats('logits'), await golden.floats('llama.q4_0.logits'), 'logits');
});

describe.each(bundled)('trace of %s', (_, expected) => {
  it('equals PyTorch to 1e-4, and spells the text', async () => {
    const { model, tokens } = await trace('--text', expected.text, '--top', '5');
    expect(Object.keys(model)).toEqual(['name', 'family', 'layers', 'heads', 'kvHeads', 'dim', 'vocab', 'weights', 'runtime']);
    expect(model).toMatchObject({
      name: 'explain-tokens-9m',
      family: 'llama',
      layers: 6,
      heads: 8,
      kvHeads: 8,
      dim: 256,
      vocab: 16384,
      runtime: 'wasm',
    });
    expect(tokens.map((token) => token.id)).toEqual(expected.ids);
    expect(Buffer.from(tokens.flatMap((token) => [...token.bytes])).toString()).toBe(expected.text);
    tokens.forEach((token, t) => {
      expect(Object.keys(token)).toEqual([
        'index',
        'id',
        'text',
        'bytes',
        'start',
        'end',
        'special',
        'partial',
        'logprob',
        'rank',
        'entropy',
        'top',
      ]);
      expect([token.index, token.special]).toEqual([t, t === 0]);
      if (!token.special && !token.partial) expect(token.text).toBe(expected.text.slice(token.start, token.end));
      if (t === 0) expect([token.logprob, token.rank, token.entropy]).toEqual([null, null, null]);
      else {
        expect(Math.abs(Math.exp(token.logprob ?? NaN) - Math.exp(expected.logprob[t] ?? NaN))).toBeLessThan(1e-4);
        expect(Math.abs((token.logprob ?? NaN) - (expected.logprob[t] ?? NaN))).toBeLessThan(1e-3);
        expect(token.rank).toBe(expected.rank[t]);
        expect(Math.abs((token.entropy ?? NaN) - (expected.entropy[t] ?? NaN))).toBeLessThan(1e-3);
      }
      expect(token.top.map(({ id }) => id)).toEqual(expected.topIds[t]?.slice(0, 5));
      token.top.forEach(({ prob }, k) => expect(Math.abs(prob - Math.exp(expected.topLogprobs[t]?.[k] ?? NaN))).toBeLessThan(1e-4));
    });
  });
});

describe('trace --format safetensors', () => {
  it.each(['gpt2', 'llama', 'llama3_rope'])('holds what transformers computed for %s, from ids and without a tokenizer', async (name) => {
    const golden = await openGolden(folder(join(models, name)), 'golden.safetensors');
    const ids = await golden.ids();
    const file = join(work, `${name}.safetensors`);
    const { code, err, out } = await run([
      'trace',
      '--model',
      join(models, name),
      '--ids',
      [...ids].join(','),
      '--format',
      'safetensors',
      '--output',
      file,
    ]);
    expect([code, err, out.length]).toEqual([0, '', 0]);
    const written = await openGolden(folder(work), `${name}.safetensors`);
    const layers = written.names.filter((tensor) => tensor.startsWith('attentions.')).length;
    const expected = [
      'input_ids',
      'logits',
      'embedding',
      ...Array.from({ length: layers + 1 }, (_, i) => `resid.${i}`),
      ...Array.from({ length: layers }, (_, i) => `attentions.${i}`),
    ];
    expect(new Set(written.names)).toEqual(new Set(expected));
    expect(await written.ids()).toEqual(ids);
    for (const tensor of expected.filter((wanted) => golden.names.includes(wanted) && wanted !== 'input_ids')) {
      expectClose(await written.floats(tensor), await golden.floats(tensor), tensor);
    }
    expect((await written.floats('embedding')).dims).toEqual((await written.floats('resid.0')).dims);
  });

  it('is the same on standard output, whole even when it is large', async () => {
    const ids = Array.from({ length: 400 }, (_, i) => (i * 37) % 16384).join(',');
    const args = ['trace', '--ids', ids, '--format', 'safetensors'];
    const piped = await run(args);
    const file = join(work, 'large.safetensors');
    await run([...args, '--output', file]);
    expect(piped.code).toBe(0);
    expect(piped.out.length).toBeGreaterThan(400 * 16384 * 4);
    expect(Buffer.compare(piped.out, readFileSync(file))).toBe(0);
    // The header's length makes the data begin at a multiple of 8.
    expect(Number(piped.out.readBigUInt64LE(0)) % 8).toBe(0);
  });
});

describe('trace of hard input', () => {
  it('reads a file exactly: CRLF, tabs, NUL, a byte order mark, right-to-left marks', async () => {
    const text = '\ufeffa\r\n\tb\u0000\u202e<img src=x onerror=alert(1)>👩‍👩‍👧‍👦 <|endoftext|>\n';
    writeFileSync(join(work, 'hard.txt'), text);
    const { tokens } = await trace('--file', 'hard.txt', '--top', '0');
    expect(Buffer.from(tokens.flatMap((token) => [...token.bytes])).toString()).toBe(text);
    expect(tokens.filter((token) => token.special).map((token) => token.index)).toEqual([0]);
    expect(tokens.every((token) => token.top.length === 0)).toBe(true);
  });

  it('explains the first part that fits, and says what was left out', async () => {
    writeFileSync(join(work, 'long.txt'), 'One more sentence of the story. '.repeat(1000));
    const { code, out, err } = await run(['trace', '--file', 'long.txt', '--top', '1']);
    const { tokens } = JSON.parse(out.toString()) as TraceJson;
    const end = tokens.at(-1)?.end ?? 0;
    expect([code, tokens.length]).toEqual([0, BUNDLED_CONTEXT]);
    expect(err).toBe(
      `explain-tokens: explain-tokens-9m reads ${countText(BUNDLED_CONTEXT)} tokens at once: ` +
        `the last ${countText(32000 - end)} characters of the text ` +
        `were left out.\n`,
    );
  });

  describe('windows of a long text', () => {
    const text = Array.from({ length: 150 }, (_, i) => `Line ${i}: 你好 😀🇨🇭 and ½ of a story.\r\n`).join('');
    interface WindowJson extends TraceJson {
      readonly window?: Readonly<Record<'number' | 'windows' | 'begin' | 'end' | 'tokens' | 'length' | 'stride', number>>;
    }

    it('are those of the text tokenized as a whole, with the numbers of their ids alone', { timeout: 240_000 }, async () => {
      writeFileSync(join(work, 'windows.txt'), text);
      const tokenizer = await openTokenizer(folder(join(root, 'media/models/explain-tokens-9m')), 16384);
      const whole = tokenizer.encode(text);
      const count = 1 + Math.ceil((whole.tokens.length - BUNDLED_CONTEXT) / (BUNDLED_CONTEXT / 2));
      expect(count).toBeGreaterThan(3);
      for (const number of [2, count]) {
        const { code, out, err } = await run(['trace', '--file', 'windows.txt', '--window', String(number), '--top', '1']);
        expect(code).toBe(0);
        const { window, tokens } = JSON.parse(out.toString()) as WindowJson;
        const begin = (number - 1) * (BUNDLED_CONTEXT / 2);
        const end = window?.end ?? 0;
        expect(window).toEqual({
          number,
          windows: count,
          begin,
          end,
          tokens: whole.tokens.length,
          length: BUNDLED_CONTEXT,
          stride: BUNDLED_CONTEXT / 2,
        });
        expect(Math.min(begin + BUNDLED_CONTEXT, whole.tokens.length) - end).toBeLessThan(4);
        const wanted = whole.tokens.slice(begin, end);
        expect(tokens.map(({ id, start, end: stop, special }) => ({ id, start, stop, special }))).toEqual(
          wanted.map(({ id, start, end: stop, special }) => ({ id, start, stop, special })),
        );
        expect(err).toBe(
          `explain-tokens: explain-tokens-9m reads ${countText(BUNDLED_CONTEXT)} tokens at once: ` +
            `this text of ${countText(whole.tokens.length)} tokens is read in windows of ${countText(BUNDLED_CONTEXT)}, ` +
            `which begin ${BUNDLED_CONTEXT / 2} tokens apart and so share ${BUNDLED_CONTEXT / 2} ` +
            `with the next. Window ${number} of ${count}: tokens ${begin} to ${end - 1}.\n`,
        );
        const alone = await trace('--ids', wanted.map(({ id }) => id).join(), '--top', '1');
        expect(tokens.map(({ logprob, rank, entropy, top }) => [logprob, rank, entropy, top])).toEqual(
          alone.tokens.map(({ logprob, rank, entropy, top }) => [logprob, rank, entropy, top]),
        );
      }
      expectRefusal(
        await run(['trace', '--file', 'windows.txt', '--window', String(count + 1)]),
        1,
        new RegExp(`There is no window ${count + 1}: the last window of this text is number ${count}\\.`),
      );
    });

    it('are one where the text fits', async () => {
      expect(await trace('--text', 'a b c', '--window', '1')).toEqual(await trace('--text', 'a b c'));
      expectRefusal(await run(['trace', '--text', 'a b c', '--window', '2']), 1, /There is no window 2: .* number 1\./);
    });

    it('are for texts, counted from 1', async () => {
      expectRefusal(await run(['trace', '--text', 'a', '--window', '0']), 2, /--window counts from 1/);
      expectRefusal(await run(['trace', '--ids', '1,2', '--window', '1']), 2, /--window is for a text/);
      expectRefusal(await run(['trace', '--text', 'a', '--chat', '--window', '1']), 2, /--window does not go with --chat/);
      expectRefusal(await run(['generate', '--text', 'a', '--window', '1']), 2, /--window is for trace, not for generate/);
    });
  });

  it('gives ids their readings, no place, and the same predictions as their text', async () => {
    const text = await trace('--text', 'The story begins', '--top', '3');
    const ids = await trace('--ids', text.tokens.map((token) => token.id).join(','), '--top', '3');
    expect(ids.tokens.map(({ text: reading, logprob, rank, entropy, top }) => ({ reading, logprob, rank, entropy, top }))).toEqual(
      text.tokens.map(({ text: reading, logprob, rank, entropy, top }) => ({ reading, logprob, rank, entropy, top })),
    );
    expect(ids.tokens.every((token) => token.bytes.length === 0 && token.end === 0 && !token.special)).toBe(true);
    const nameless = await trace('--model', join(models, 'llama'), '--ids', '5,6', '--top', '1');
    expect(nameless.tokens.map((token) => [token.text, token.top[0]?.text])).toEqual([
      ['', ''],
      ['', ''],
    ]);
  });
});

describe('bad usage ends with code 2', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['no command', [], /trace/],
    ['an unknown command', ['explain'], /"explain"/],
    ['no input', ['trace'], /--text, --file and --ids/],
    ['two inputs', ['trace', '--text', 'a', '--ids', '1'], /not 2/],
    ['an empty text', ['trace', '--text', ''], /nothing to explain/],
    ['a stray word', ['trace', '--text', 'a', 'b'], /"b"/],
    ['an unknown option', ['trace', '--colour', 'x'], /--colour/],
    ['an option without its value', ['trace', '--text'], /--text/],
    ['ids that are none', ['trace', '--ids', '1,,2'], /""/],
    ['ids beyond 32 bits', ['trace', '--ids', '99999999999'], /99999999999/],
    ['ids beyond the vocabulary', ['trace', '--ids', '16384'], /16384/],
    ['a wrong format', ['trace', '--text', 'a', '--format', 'csv'], /csv/],
    ['a wrong top', ['trace', '--text', 'a', '--top', '-1'], /--top/],
    ['a wrong runtime', ['trace', '--text', 'a', '--runtime', 'gpu'], /gpu/],
  ])('%s', async (_, args, message) => expectRefusal(await run(args), 2, message));
});

describe('what cannot be used ends with code 1', () => {
  it('a model folder that is missing, empty, or no folder', async () => {
    mkdirSync(join(work, 'empty'));
    expectRefusal(await run(['trace', '--text', 'a', '--model', 'nowhere']), 1, /nowhere/);
    expectRefusal(await run(['trace', '--text', 'a', '--model', 'empty']), 1, /config\.json/);
    expectRefusal(await run(['trace', '--text', 'a', '--model', join(root, 'package.json')]), 1, /neither a folder nor a GGUF file/);
    expectRefusal(await run(['trace', '--text', 'a', '--model', join(models, 'gpt2')]), 1, /gpt2 has no tokenizer\.json/);
  });

  it('a file that is missing, empty, a folder, or not UTF-8', async () => {
    writeFileSync(join(work, 'latin1.txt'), Buffer.from([0x63, 0x61, 0x66, 0xe9]));
    writeFileSync(join(work, 'empty.txt'), '');
    expectRefusal(await run(['trace', '--file', 'nowhere.txt']), 1, /nowhere\.txt/);
    expectRefusal(await run(['trace', '--file', 'latin1.txt']), 1, /latin1\.txt is not UTF-8/);
    expectRefusal(await run(['trace', '--file', 'empty.txt']), 1, /empty\.txt is empty/);
    expectRefusal(await run(['trace', '--file', '.']), 1, /cannot be read/);
  });

  it('an output that cannot be written, leaving nothing behind', async () => {
    expectRefusal(await run(['trace', '--text', 'a', '--output', join('nowhere', 'a.json')]), 1, /nowhere/);
    mkdirSync(join(work, 'taken'));
    expectRefusal(await run(['trace', '--text', 'a', '--output', 'taken']), 1, /taken/);
    expect(readdirSync(work).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('the native runtime where it is not installed', async () => {
    expectRefusal(await run(['trace', '--text', 'a', '--runtime', 'native']), 1, /onnxruntime-node is not installed/);
    expectRefusal(
      await run(['trace', '--text', 'a', '--runtime', 'native'], { NODE_PATH: join(root, 'test', 'native', 'node_modules') }),
      1,
      /onnxruntime-node is not installed/,
    );
    expectRefusal(
      await run(['trace', '--text', 'a', '--runtime', 'native', '--native-runtime', 'empty']),
      1,
      /onnxruntime-node is not installed in .*empty\.$/m,
    );
    expectRefusal(
      await run(['trace', '--text', 'a', '--runtime', 'wasm', '--native-runtime', 'empty']),
      2,
      /--native-runtime does not go with --runtime wasm/,
    );
  });
});

describe('output', () => {
  it('replaces a file only when it is whole', async () => {
    const file = join(work, 'result.json');
    writeFileSync(file, 'before');
    expectRefusal(await run(['trace', '--ids', '16384', '--output', file]), 2, /16384/);
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect((await run(['trace', '--text', 'a', '--output', file])).code).toBe(0);
    expect((JSON.parse(readFileSync(file, 'utf8')) as TraceJson).tokens.length).toBe(2);
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(work).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('fails with one line when standard output takes nothing', async () => {
    const readOnly = openSync(join(root, 'package.json'), 'r');
    const result = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'trace', '--text', 'a'], {
        cwd: work,
        stdio: ['ignore', readOnly, 'pipe'],
      });
      let err = '';
      child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
      child.on('close', (code) => resolve({ code, err }));
    });
    closeSync(readOnly);
    expect(result.code).toBe(1);
    expect(result.err).toMatch(/^explain-tokens: The result cannot be written: [^\n]+\n$/);
  });

  it('ends quietly when its reader goes away', async () => {
    const result = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'trace', '--text', 'a b c d e f g', '--top', '16384'], {
        cwd: work,
      });
      let err = '';
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      child.stdout.once('data', () => child.stdout.destroy());
      child.on('close', (code) => resolve({ code, err }));
    });
    expect(result).toEqual({ code: 0, err: '' });
  });

  it('tells its help and its version', async () => {
    const help = await run(['--help']);
    expect([help.code, help.err]).toEqual([0, '']);
    for (const option of [
      '--text',
      '--file',
      '--ids',
      '--model',
      '--format',
      '--output',
      '--top',
      '--runtime',
      '--native-runtime',
      '--chat',
      '--window',
    ])
      expect(help.out.toString()).toContain(option);
    expect((await run(['--version'])).out.toString()).toBe(`${version}\n`);
  });

  it('reads a text as a user message in the chat template where asked', async () => {
    const bundled = join(root, 'media', 'models', 'explain-tokens-9m');
    const folderOf = join(work, 'chat-model');
    mkdirSync(folderOf);
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      writeFileSync(join(folderOf, name), readFileSync(join(bundled, name)));
    writeFileSync(join(folderOf, 'tokenizer_config.json'), JSON.stringify({ chat_template: 'User: {{ messages[0].content }} Model:' }));
    const { tokens } = await trace('--model', folderOf, '--text', 'The story begins', '--chat');
    const own = tokens.filter(({ special }) => !special);
    expect([tokens[0]?.text, tokens[0]?.special, tokens.at(-1)?.text, tokens.at(-1)?.special]).toEqual(['User', true, ':', true]);
    expect([own[0]?.start, own.at(-1)?.end]).toEqual([0, 16]);
    expectRefusal(await run(['trace', '--text', 'a', '--chat']), 1, /no chat template/);
    expectRefusal(await run(['trace', '--ids', '1', '--chat']), 2, /--chat/);
  });

  it('runs natively where onnxruntime-node is found, with the same numbers', async () => {
    const args = ['trace', '--text', 'The story begins', '--top', '3'];
    const native = await run([...args, '--runtime', 'native', '--native-runtime', join(root, 'test', 'native')]);
    expect([native.code, native.err]).toEqual([0, '']);
    const [a, b] = [
      JSON.parse(native.out.toString()) as TraceJson,
      await trace('--text', 'The story begins', '--top', '3', '--runtime', 'wasm'),
    ];
    expect([a.model['runtime'], b.model['runtime']]).toEqual(['native', 'wasm']);
    a.tokens.forEach((token, t) => {
      expect(token.top.map(({ id }) => id)).toEqual(b.tokens[t]?.top.map(({ id }) => id));
      token.top.forEach(({ prob }, k) => expect(Math.abs(prob - (b.tokens[t]?.top[k]?.prob ?? NaN))).toBeLessThan(1e-5));
    });
  });
});
