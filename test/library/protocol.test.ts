import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { english } from '../../src/core/translatable.ts';
import { HubAccessError } from '../../src/library/hub/hubApi.ts';
import { leavesFolder, isPlainName } from '../../src/library/hub/fileNames.ts';
import { endpointOf, environmentToken, parseEndpoint, parseModelId } from '../../src/library/hub/address.ts';
import { waitAsked } from '../../src/library/hub/problems.ts';
import { contentsOf, HURRIED, setting, settingWith } from './hub.ts';
import { startHub } from './hubServer.ts';
import { SHARDED, SINGLE } from './models.ts';
import { nonEmpty } from '../closeness.ts';

const TOKEN = 'hf_secretsecretsecret';
const signal = new AbortController().signal;

describe('what the hub has', () => {
  it('is told with commit, licence, family and the files of each way to take it', async () => {
    const gguf = {
      'a-Q8_0.gguf': Buffer.from('GGUF'),
      'mmproj.gguf': Buffer.from('GGUF'),
      'a.imatrix.gguf': Buffer.from('GGUF'),
      'b-00001-of-00002.gguf': Buffer.from('GG'),
      'b-00002-of-00002.gguf': Buffer.from('UF'),
      'c-00001-of-00002.gguf': Buffer.from('c'),
    };
    const at = await setting({
      ...SINGLE,
      files: { ...SINGLE.files, ...gguf },
      lies: { config: { model_type: 'llama' }, cardData: { license: 'other', license_name: 'my-licence' } },
    });
    const model = await at.hub.findModel('tiny/llama', { endpoint: at.server.endpoint, signal });
    expect(model).toMatchObject({
      id: 'tiny/llama',
      gated: false,
      licence: 'my-licence',
      family: 'llama',
      commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    });
    expect(model.choices.map(({ kind, entry, files }) => [kind, entry, files.map(({ name }) => name)])).toEqual([
      ['safetensors', null, ['config.json', 'tokenizer.json', 'generation_config.json', 'model.safetensors']],
      ['gguf', 'a-Q8_0.gguf', ['a-Q8_0.gguf']],
      ['gguf', 'b-00001-of-00002.gguf', ['b-00001-of-00002.gguf', 'b-00002-of-00002.gguf']],
    ]);
    const chosen = await at.fetch('tiny/llama', { entry: 'b-00001-of-00002.gguf' });
    expect(chosen.path).toBe(`${chosen.folder}/b-00001-of-00002.gguf`);
  });

  it.each([
    ['no weights', { 'config.json': Buffer.from('{}'), 'pytorch_model.bin': Buffer.from('x') }, /has neither \*\.safetensors nor \*\.gguf/],
    ['no tokenizer', { 'config.json': Buffer.from('{}'), 'model.safetensors': Buffer.from('x') }, /has no tokenizer\.json/],
    ['no configuration', { 'tokenizer.json': Buffer.from('{}'), 'model.safetensors': Buffer.from('x') }, /has no config\.json/],
    ['an index without files', { ...SHARDED.files, 'model.safetensors.index.json': Buffer.from('{"weight_map": {}}') }, /names no files/],
    ['an index that is no JSON', { ...SHARDED.files, 'model.safetensors.index.json': Buffer.from('<html>') }, /does not answer as a hub/],
    [
      'an index of files elsewhere',
      { ...SHARDED.files, 'model.safetensors.index.json': Buffer.from('{"weight_map": {"a": "../../etc/passwd"}}') },
      /names a file that is not there: "\.\.\/\.\.\/etc\/passwd"/,
    ],
    [
      'an index of absent files',
      { ...SHARDED.files, 'model.safetensors.index.json': Buffer.from('{"weight_map": {"a": "model-9.safetensors"}}') },
      /names a file that is not there/,
    ],
  ])('is refused where there is %s', async (_, files, message) => {
    const at = await setting({ id: 'tiny/x', files });
    await expect(at.fetch('tiny/x')).rejects.toThrow(message);
    expect(contentsOf(at.root)).toEqual({});
  });

  const evil = ['../evil.json', '..\\evil.json', '/etc/evil', 'C:\\evil', 'a/../../evil', 'a\0b', 'x/..'];
  it.each(evil)('is refused where a listed name leads out of the folder: %j', async (rfilename) => {
    const at = await setting(SINGLE);
    at.server.serve({ ...SINGLE, lies: { siblings: [{ rfilename, size: 1, blobId: 'a'.repeat(40) }] } });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/lists a file that would be written outside the model’s folder/);
    expect(contentsOf(at.root)).toEqual({});
    expect(leavesFolder(rfilename)).toBe(true);
  });

  it.each([
    'con.gguf',
    'a\\b.gguf',
    'aux.x.gguf',
    'ab:c.gguf',
    '.hidden.gguf',
    'line\nbreak.gguf',
    `${'a'.repeat(300)}.gguf`,
    'what?.gguf',
    'com1.gguf',
  ])('is refused where a name cannot be written on every system: %j', async (name) => {
    const at = await setting({ id: 'tiny/x', files: { [name]: Buffer.from('GGUF') } });
    await expect(at.fetch('tiny/x')).rejects.toThrow(/whose name cannot be written/);
    expect(contentsOf(at.root)).toEqual({});
    expect(isPlainName(name)).toBe(false);
  });

  it('is refused where two names differ only in case', async () => {
    const index = Buffer.from(JSON.stringify({ weight_map: { a: 'A.safetensors', b: 'a.safetensors' } }));
    const at = await setting({
      id: 'tiny/x',
      files: {
        ...SHARDED.files,
        'model.safetensors.index.json': index,
        'A.safetensors': Buffer.from('1'),
        'a.safetensors': Buffer.from('2'),
      },
    });
    await expect(at.fetch('tiny/x')).rejects.toThrow(/two files that would be one on many disks: A\.safetensors and a\.safetensors/);
    expect(contentsOf(at.root)).toEqual({});
  });

  it.each([
    ['of nothing', {}],
    ['no commit', { id: 'tiny/llama', siblings: [] }],
    ['an id that leaves the folder', { id: '../x', sha: 'a'.repeat(40), siblings: [] }],
    ['an id that is a device', { id: 'nul', sha: 'a'.repeat(40), siblings: [] }],
    ['files that are none', { id: 'tiny/llama', sha: 'a'.repeat(40), siblings: [1] }],
  ])('is refused where the answer is %s', async (_, lies) => {
    const at = await setting(SINGLE);
    at.server.serve({ ...SINGLE, lies: { id: undefined, sha: undefined, siblings: undefined, ...lies } });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/does not answer as a hub of models does/);
  });

  it.each([[-1], [1.5], ['1'], [2 ** 60], [null]])('leaves out files of impossible size %j', async (size) => {
    const at = await setting(SINGLE);
    at.server.serve({ ...SINGLE, lies: { siblings: [{ rfilename: 'model.safetensors', size, blobId: 'a'.repeat(40) }] } });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/has neither/);
  });
});

describe('an answer that is none', () => {
  it.each([
    [401, {}, undefined, /^There is no public model tiny\/llama at 127\.0\.0\.1:\d+; for a private one, set your access token\.$/],
    [401, {}, TOKEN, /^127\.0\.0\.1:\d+ does not take your access token: set another one, or remove it\.$/],
    [
      401,
      { 'x-error-code': 'GatedRepo' },
      undefined,
      /^tiny\/llama is gated: accept its conditions at http:.*\/tiny\/llama, and set your access token\.$/,
    ],
    [403, { 'x-error-code': 'GatedRepo' }, TOKEN, /^tiny\/llama is gated and your access token has no access to it/],
    [403, { 'x-error-message': 'Not \t for you' }, TOKEN, /refuses access to tiny\/llama: Not for you$/],
    [404, { 'x-error-code': 'RepoNotFound' }, TOKEN, /^There is no model tiny\/llama at /],
    [418, {}, undefined, /gives an answer that was not expected: HTTP 418\./],
  ])('%i is told at once', async (status, headers, token, message) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'api', kind: 'status', status, headers });
    const failed = at.fetch('tiny/llama', token === undefined ? {} : { token });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(status === 404 || status === 418 ? UserError : HubAccessError);
    expect(at.server.requests).toHaveLength(1);
  });

  it.each([500, 502, 503, 504, 408, 429])('%i is tried again, and told when it stays', async (status) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'api', kind: 'status', status, times: 2 }, { where: 'content', kind: 'status', status, times: 3 });
    await at.fetch('tiny/llama');
    at.server.misbehave({ where: 'api', kind: 'status', status });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(
      status === 429
        ? /has too many requests from here: try again later\.$/
        : new RegExp(`answers with error ${status}: try again later\\.$`),
    );
  });

  it('is waited for as long as the hub asks, within reason', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'api', kind: 'status', status: 429, headers: { 'retry-after': '1' }, times: 1 });
    const began = performance.now();
    await at.fetch('tiny/llama');
    expect(performance.now() - began).toBeGreaterThan(990);
    at.server.misbehave({ where: 'api', kind: 'status', status: 429, headers: { 'retry-after': '7200' } });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/too many requests from here: try again in 120 minutes\.$/);
    const wait = (headers: Record<string, string>): number => Math.round((waitAsked(headers) ?? -1000) / 1000);
    const date = new Date(Date.now() + 90_000).toUTCString();
    expect([
      wait({ 'retry-after': '90' }),
      wait({ ratelimit: '"resolvers";r=0;t=55' }),
      wait({}),
      wait({ 'retry-after': 'soon' }),
      wait({ 'retry-after': new Date(0).toUTCString() }),
    ]).toEqual([90, 55, -1, -1, 0]);
    expect(Math.abs(wait({ 'retry-after': date }) - 90)).toBeLessThan(3);
  });

  it('and never ends, or never comes, is given up', async () => {
    const at = await settingWith(HURRIED, SINGLE);
    at.server.misbehave({ where: 'api', kind: 'never' });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/^The connection to .* failed: nothing came for 1 seconds\.$/);
    at.server.misbehave({ where: 'api', kind: 'endless' });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/does not end|did not end/);
  });

  it('from a port where nothing listens is told', async () => {
    const at = await setting(SINGLE);
    await at.server.close();
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/^The connection to 127\.0\.0\.1:\d+ failed: connect ECONNREFUSED/);
  });
});

describe('a redirect', () => {
  it('to another host never carries the token, nor does one that comes back', async () => {
    const at = await setting({ ...SINGLE, gatedFor: TOKEN });
    const elsewhere = await startHub(SINGLE);
    try {
      await at.fetch('tiny/llama', { token: TOKEN });
      at.server.misbehave({ where: 'api', kind: 'redirect', to: `${elsewhere.endpoint}/api/models/tiny/llama?blobs=true`, times: 1 });
      elsewhere.misbehave({ where: 'api', kind: 'redirect', to: `${at.server.endpoint}/api/models/tiny/llama?blobs=true`, times: 1 });
      await at.hub.findModel('tiny/llama', { endpoint: at.server.endpoint, token: TOKEN, signal });
      const carried = (requests: typeof at.server.requests): readonly (string | undefined)[] =>
        requests.map(({ headers }) => headers.authorization);
      expect(carried(elsewhere.requests)).toEqual([undefined]);
      expect(carried(at.server.requests.filter(({ host }) => host === 'cdn'))).toEqual([undefined]);
      const told = at.server.requests.filter(({ headers }) => JSON.stringify(headers).includes(TOKEN));
      expect(new Set(told.map(({ host }) => host))).toEqual(new Set(['hub']));
      expect(carried(at.server.requests).at(-1)).toBeUndefined();
      expect(carried(at.server.requests)[0]).toBe(`Bearer ${TOKEN}`);
    } finally {
      await elsewhere.close();
    }
  });

  it('to a newer name of the model keeps the token and tells the newer name', async () => {
    const at = await setting({ ...SINGLE, gatedFor: TOKEN });
    at.server.misbehave({ where: 'api', kind: 'redirect', to: '/api/models/tiny/llama?blobs=true', times: 1 });
    expect((await at.fetch('old-llama', { token: TOKEN })).id).toBe('tiny/llama');
  });

  it.each(['file:///etc/passwd', 'ftp://example.org/x', 'http://['])('to %s is not followed', async (to) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'resolve', file: 'model.safetensors', kind: 'redirect', to });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/redirects to an address that is not safe to follow/);
  });

  it('in a circle ends', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'api', kind: 'redirect', to: '/api/models/tiny/llama' });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/redirects in a circle/);
    expect(at.server.requests.length).toBeLessThan(12);
  });
});

describe('a gated model', () => {
  it('is described to everyone and given to those with access', async () => {
    const at = await setting({ ...SINGLE, gatedFor: TOKEN });
    expect(await at.hub.findModel('tiny/llama', { endpoint: at.server.endpoint, signal })).toMatchObject({ gated: true });
    await expect(at.fetch('tiny/llama')).rejects.toThrow(/^tiny\/llama is gated: accept its conditions at /);
    await expect(at.fetch('tiny/llama', { token: 'hf_other' })).rejects.toThrow(/your access token has no access/);
    await at.fetch('tiny/llama', { token: TOKEN });
    expect(nonEmpty(Object.values(contentsOf(at.root)), 'file').filter((content) => content.includes(TOKEN))).toEqual([]);
  });
});

describe('what a user types', () => {
  it('is an id, or the address of a model’s page', () => {
    const ids = [
      'gpt2',
      'openai-community/gpt2',
      ' Qwen/Qwen3-0.6B ',
      'https://huggingface.co/Qwen/Qwen3-0.6B',
      'https://huggingface.co/Qwen/Qwen3-0.6B/tree/main',
      'a_b/c.d',
      'HuggingFaceTB/SmolLM2-135M',
    ];
    expect(ids.map(parseModelId)).toEqual([
      'gpt2',
      'openai-community/gpt2',
      'Qwen/Qwen3-0.6B',
      'Qwen/Qwen3-0.6B',
      'Qwen/Qwen3-0.6B',
      'a_b/c.d',
      'HuggingFaceTB/SmolLM2-135M',
    ]);
    const none = [
      '',
      '/',
      'a/b/c',
      '../x',
      'a/..',
      'a--b/c',
      'a/b..c',
      '-a/b',
      'a/b-',
      'a/b.git',
      'a b',
      'a/b?x=1',
      'a\\b',
      `a/${'b'.repeat(97)}`,
      'a/b\n',
      'https://huggingface.co',
    ].map((text) => text.replace('\n', '\nx'));
    expect(none.map(parseModelId)).toEqual(none.map(() => undefined));
  });

  it('or sets as a token goes to the hub it is meant for, and never in the clear', () => {
    const publicHub = 'https://huggingface.co';
    expect(environmentToken({ endpoint: undefined, token: ` ${TOKEN}\n` }, publicHub)).toBe(TOKEN);
    expect(environmentToken({ endpoint: 'https://mirror.example/hf', token: TOKEN }, 'https://mirror.example/hf')).toBe(TOKEN);
    const none: readonly (readonly [string | undefined, string, string])[] = [
      [undefined, TOKEN, 'https://mirror.example'],
      ['https://mirror.example', TOKEN, publicHub],
      ['http://mirror.example', TOKEN, 'http://mirror.example'],
      [undefined, 'two words', publicHub],
      [undefined, '', publicHub],
      ['nonsense', TOKEN, publicHub],
    ];
    expect(none.map(([endpoint, token, hub]) => environmentToken({ endpoint, token }, hub))).toEqual(none.map(() => undefined));
    expect(endpointOf('', { endpoint: ' https://mirror.example/ ', token: undefined }, english)).toBe('https://mirror.example');
    expect(endpointOf('https://own.example', { endpoint: 'https://mirror.example', token: undefined }, english)).toBe(
      'https://own.example',
    );
    expect(endpointOf('', { endpoint: undefined, token: undefined }, english)).toBe(publicHub);
  });

  it('is the address of a hub', () => {
    const parse = (text: string): string => parseEndpoint(text, 'explainTokens.hubEndpoint', english);
    expect([parse('https://huggingface.co/'), parse('http://localhost:8080'), parse('https://example.org/hf/')]).toEqual([
      'https://huggingface.co',
      'http://localhost:8080',
      'https://example.org/hf',
    ]);
    for (const text of ['', 'huggingface.co', 'ftp://x', 'file:///x', 'https://user:secret@example.org', 'https://example.org/?x'])
      expect(() => parse(text), text).toThrow(/^explainTokens\.hubEndpoint is not the address of a hub/);
  });
});
