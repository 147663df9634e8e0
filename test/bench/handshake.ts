/**
 * What the hybrid group costs: mutual TLS 1.3 handshakes on loopback, both ends in this process, the groups in turns.
 * Prints for each group the median time of a handshake and the processor time of both ends together, and the ratio of
 * the hybrid to X25519. `node test/bench/handshake.ts [HANDSHAKES]`
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';

import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';
import { federationClientTls, federationServerTls, GROUPS, groupOf } from '../../src/trust/tls.ts';

const WARM_UP = 50;
const TURN = 25;
const count = Number(process.argv[2] ?? 1_000);

const now = new Date();
const authority = await issueAuthority({ name: 'bench', ...authorityValidity(now) });
const leaf = { uri: 'https://bench.example', commonName: 'bench', ...leafValidity(now) };
const server = await issueLeaf(authority, { ...leaf, usage: 'server' });
const client = await issueLeaf(authority, { ...leaf, usage: 'client' });

const listener = createServer(federationServerTls(server, [authority.certificate]), (socket) =>
  socket.on('error', () => undefined).end(),
);
await once(listener.listen(0, '127.0.0.1'), 'listening');
const { port } = listener.address() as AddressInfo;

interface Seen {
  readonly offers: string;
  group: string | undefined;
  readonly ms: number[];
  cpu: number;
}
const seen: Seen[] = [GROUPS, 'X25519'].map((offers) => ({ offers, group: undefined, ms: [], cpu: 0 }));

for (const one of seen) for (let i = 0; i < WARM_UP; i += 1) await handshake(one.offers);
while (seen.some(({ ms }) => ms.length < count)) {
  for (const one of seen) {
    const before = process.cpuUsage();
    for (let i = 0; i < TURN; i += 1) {
      const began = performance.now();
      one.group = await handshake(one.offers);
      one.ms.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(before);
    one.cpu += user + system;
  }
}
listener.close();

const rows = seen.map(({ group, ms, cpu }) => ({
  ...{ group, handshakes: ms.length },
  medianMs: ms.sort((left, right) => left - right)[Math.floor(ms.length / 2)] ?? 0,
  cpuUs: cpu / ms.length,
}));
for (const { group, handshakes, medianMs, cpuUs } of rows)
  console.log(
    `${group}: ${handshakes} handshakes, median ${medianMs.toFixed(2)} ms, CPU ${cpuUs.toFixed(0)} us`,
  );
const [hybrid, classic] = rows;
if (hybrid !== undefined && classic !== undefined) {
  const time = (hybrid.medianMs / classic.medianMs).toFixed(2);
  console.log(`ratio: time ${time}, CPU ${(hybrid.cpuUs / classic.cpuUs).toFixed(2)}`);
}

async function handshake(ecdhCurve: string): Promise<string | undefined> {
  const options = { ...federationClientTls(client, [authority.certificate]), ecdhCurve };
  const socket = connect({ host: '127.0.0.1', port, ...options, checkServerIdentity: () => undefined });
  await once(socket, 'secureConnect');
  const group = groupOf(socket);
  socket.destroy();
  await once(socket, 'close');
  return group;
}
