import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { english } from '../../src/core/translatable.ts';
import { engineConnection } from '../../src/engines/engineConnection.ts';
import { nodeSend } from '../../src/engines/engineHttp.node.ts';
import { selfSigned } from './selfSigned.ts';

test('a certificate that nobody vouches for is refused in one sentence, at once, and the key is not sent', async () => {
  const heard: string[] = [];
  let connections = 0;
  const server = createServer(selfSigned('127.0.0.1'), ({ headers }, response) => {
    heard.push(headers.authorization ?? '');
    response.end('{}');
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const connection = engineConnection(`https://127.0.0.1:${port}`, { send: nodeSend(english), key: 'secret', limit: 1 });
    const asked = connection.post('/v1/completions', {}, new AbortController().signal, 1000);
    const error: unknown = await asked.then(
      () => null,
      (failed: unknown) => failed,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(
      new RegExp(String.raw`^[^\n]*127\.0\.0\.1:${port}[^\n]*self.signed certificate[^\n]*\.$`, 'i'),
    );
    expect([heard, connections]).toEqual([[], 1]);
  } finally {
    server.close();
  }
});
