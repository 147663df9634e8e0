import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';

import { StartError } from '../../src/errors.ts';
import { startFederation, type RawConfig } from './federation.ts';

/** The directory and the ports of a configuration, as `edit` is given it. */
function placesOf(config: RawConfig): { directory: string; ports: number[] } {
  const listeners = Object.values(config['listeners'] as Record<string, { port: number }>);
  const directory = dirname(String(config['store']).replace('sqlite:', ''));
  return { directory, ports: listeners.map(({ port }) => port) };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('the federation of a test', () => {
  it('leaves nothing behind when one of its brokers does not start', async () => {
    const begun: ReturnType<typeof placesOf>[] = [];
    const starting = startFederation({
      regions: ['london', 'west-midlands'],
      edit: (_region, config) => void begun.push(placesOf(config)),
      store: (region) => {
        if (region === 'west-midlands') throw new RangeError('no store');
        return undefined;
      },
    });
    await assert.rejects(starting, RangeError);
    assert.equal(begun.length, 2, 'tried again, though no port was taken');
    for (const { directory, ports } of begun) {
      assert.equal(existsSync(directory), false);
      for (const port of ports) assert.equal(await isListening(port), false);
    }
  });

  it('starts on other ports when one of its own was taken meanwhile', async () => {
    const other = createServer();
    const begun: ReturnType<typeof placesOf>[] = [];
    const federation = await startFederation({
      regions: ['london'],
      edit: (_region, config) => {
        const places = placesOf(config);
        if (begun.length === 0) other.listen(places.ports[1], '127.0.0.1');
        begun.push(places);
      },
    });
    try {
      assert.equal(begun.length, 2);
      assert.equal(existsSync(begun[0]?.directory ?? ''), false);
      assert.ok(await isListening(federation.broker('london').ports.viewer));
    } finally {
      await federation.stop();
      other.close();
    }
  });

  it('is not tried more than three times', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    let tried = 0;
    const starting = startFederation({
      regions: ['london'],
      edit: (_region, config) => {
        tried += 1;
        (config['listeners'] as Record<string, object>)['admin'] = { port };
      },
    });
    await assert.rejects(starting, StartError);
    assert.equal(tried, 3);
    other.close();
  });
});
