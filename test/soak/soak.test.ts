import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelClient } from '../../src/host/client/modelClient.ts';
import { BUNDLED, ROOT } from '../bench/text.ts';
import { fuzzHeaders } from '../fuzz/headers.ts';
import { soakAgentCalls, startAgentServer } from './agentCalls.ts';
import { soakFullDisk, soakLargestFile } from './fullDisk.ts';
import { soakHubLies } from './hubLies.ts';
import { soakLongTexts } from './longTexts.ts';
import { seeded, soakCancels, soakClient, soakExplains, soakKills, workers } from './soak.ts';
import { soakTwoProcesses } from './twoProcesses.ts';

const open: ModelClient[] = [];
afterEach(() => open.splice(0).forEach((client) => client.dispose()));

/** The bundled model's bound, in 10^6 bytes as people say it; the long run is `npm run soak`. */
const MOST_MIB = 600e6 / 2 ** 20;

/** What a server of tools for agents has beside its model. */
const SERVER_MIB = 150;

/** Many texts of many tokens take a while on a busy machine. */
const PATIENCE_MS = 240_000;

describe.each([{ runtime: 'wasm' as const }, { runtime: 'native' as const, nativeFolder: join(ROOT, 'test/native') }])(
  'a short soak, $runtime',
  { timeout: PATIENCE_MS },
  (options) => {
    const start = (): ModelClient => {
      const client = soakClient(BUNDLED, options);
      open.push(client);
      return client;
    };

    it('keeps memory bounded, whatever is explained, and gives it back', async () => {
      const client = start();
      const found = await soakExplains(client, 6, 6000, seeded(1));
      expect(Math.max(...found.map(({ tokens }) => tokens))).toBeGreaterThan(900);
      expect(Math.max(...found.map(({ mebibytes }) => mebibytes))).toBeLessThan(MOST_MIB);
      client.dispose();
      await expect.poll(workers).toEqual([]);
    });

    it('answers after every cancel, whatever the moment', async () => {
      expect(await soakCancels(start(), 5, 4000, seeded(2))).toHaveLength(5);
    });

    it('says one sentence of a killed process, and answers the next request', async () => {
      for (const sentence of await soakKills(start(), 3, 4000, seeded(3))) {
        expect(sentence).toMatch(
          /^(answered|The model’s process ended unexpectedly \(signal SIGKILL\), as when there is no memory left: run again, [\w ,]+\.)$/,
        );
      }
    });
  },
);

describe('a short soak of what strangers send', { timeout: PATIENCE_MS }, () => {
  it('answers two agents at once, in bounded memory', async () => {
    const servers = await Promise.all([startAgentServer(), startAgentServer()]);
    try {
      const found = await Promise.all(servers.map((server, index) => soakAgentCalls(server, 10, seeded(9 + index))));
      expect(found.flatMap(({ notHeld }) => notHeld)).toEqual([]);
      expect(Math.max(...found.flatMap(({ mebibytes }) => mebibytes))).toBeLessThan(MOST_MIB + SERVER_MIB);
    } finally {
      await Promise.all(servers.map(({ client }) => client.close()));
    }
  });

  it('opens or refuses mutated files', async () => {
    const { files, opened, refused } = await fuzzHeaders(200, 3);
    expect(opened + refused).toBe(files);
  });

  it('has every file of a hub that lied, or one sentence', async () => {
    const { count, whole, refused, notHeld } = await soakHubLies(15, seeded(4));
    expect({ notHeld, ended: whole + refused }).toEqual({ notHeld: [], ended: count });
  });

  it('leaves the lock to the one of two processes that lives', async () => {
    expect((await soakTwoProcesses(3, seeded(5))).notHeld).toEqual([]);
  });

  it('says when the disk is full, and goes on when it is not', async () => {
    const filled = await soakFullDisk(5, seeded(6));
    if (filled) expect(filled).toMatchObject({ notHeld: [], count: filled.whole + filled.refused });
    const limited = await soakLargestFile(2, seeded(7));
    expect(limited).toMatchObject({ notHeld: [], count: limited.whole + limited.refused });
  });

  it('reads what fits of a long text, whatever context is claimed', async () => {
    expect((await soakLongTexts(2, 1e6, seeded(8))).notHeld).toEqual([]);
  });
});
