import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';

import { openLinkChecks, startBroker, type Broker } from '../../../src/broker.ts';
import { loadConfig, type Config } from '../../../src/config/load.ts';
import { loadSecrets } from '../../../src/config/secrets.ts';
import type { RegionId } from '../../../src/demo/places.ts';
import { importSigner } from '../../../src/evidence/keys.ts';
import { signStatement } from '../../../src/evidence/statement.ts';
import { entityStatement, type BrokerMetadata, type PublicJwk } from '../../../src/trust/entity-statement.ts';
import { issueLeaf, type Credential } from '../../../src/trust/issue.ts';
import { federationServerTls } from '../../../src/trust/tls.ts';
import type { Step } from '../../../src/upstream/check/step.ts';
import { leafValidity } from '../../../certs-dev/validity.ts';
import { startFederation, type TestFederation } from '../../support/federation.ts';

export const HERTS = 'herts-west-essex';
export const LONDON = 'london';

/** One region that checks its link to another, which runs or has a stand-in at its address. */
export class CheckedLink {
  readonly federation: TestFederation;

  private constructor(federation: TestFederation) {
    this.federation = federation;
  }

  static async start(): Promise<CheckedLink> {
    return new CheckedLink(await startFederation({ regions: [HERTS, LONDON] }));
  }

  stop(): Promise<void> {
    return this.federation.stop();
  }

  config(region: RegionId = HERTS): Config {
    return loadConfig(join(this.federation.directory, `${region}.yaml`));
  }

  /** What herts-west-essex finds of its link to London, by its files as they are now. */
  async check({
    config = this.config(),
    client,
    server,
  }: { config?: Config; client?: Credential; server?: Credential } = {}): Promise<readonly Step[]> {
    const secrets = loadSecrets(config.secretsDirectory);
    const checks = await (server === undefined
      ? openLinkChecks(config, secrets)
      : openLinkChecks(
          { ...config, serverCertificate: server.certificate },
          { ...secrets, tlsServerKey: server.key },
        ));
    return await checks.check(LONDON, client);
  }

  authority(region: RegionId): Credential {
    return {
      certificate: readFileSync(this.#path(region, 'public/ca.pem'), 'utf8'),
      key: readFileSync(this.#path(region, 'offline/ca.key.pem'), 'utf8'),
    };
  }

  /** A good leaf of a region's, from its own authority. */
  leaf(region: RegionId, usage: 'server' | 'client'): Promise<Credential> {
    const { entity } = this.config(region);
    const request = { commonName: 'leaf', uri: entity, usage, ...leafValidity(new Date()) };
    return issueLeaf(this.authority(region), request);
  }

  /** Runs London's broker anew by its files, with a clock of its own, while `work` runs. */
  async withLondon(work: () => Promise<void>, ahead = 0): Promise<void> {
    const config = this.config(LONDON);
    let broker: Broker | undefined;
    await this.federation.stopBroker(LONDON);
    try {
      const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const overrides = { log: silent, now: () => Date.now() + ahead };
      broker = await startBroker(config, loadSecrets(config.secretsDirectory), overrides);
      await work();
    } finally {
      await broker?.stop();
      await this.federation.startBroker(LONDON);
    }
  }

  /** Has something else listen at London's address while `work` runs. */
  async inPlace(standIn: Pick<Server, 'listen' | 'close'>, work: () => Promise<void>): Promise<void> {
    const { port } = this.config(LONDON).listeners.federation;
    await this.federation.stopBroker(LONDON);
    try {
      await new Promise<void>((done) => standIn.listen(port, '127.0.0.1', done));
      await work();
    } finally {
      await new Promise<void>((done) => {
        standIn.close(() => done());
        if ('closeAllConnections' in standIn) (standIn as Server).closeAllConnections();
      });
      await this.federation.startBroker(LONDON);
    }
  }

  /** A stand-in that handshakes as a broker does. */
  standIn(
    server: Credential,
    change: https.ServerOptions = {},
    answer: RequestListener = (_request: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(204).end(),
  ): https.Server {
    const tls = federationServerTls(server, [this.authority(HERTS).certificate]);
    const listener = https.createServer({ ...tls, ...change }, answer);
    return listener.on('tlsClientError', () => undefined);
  }

  /** Signs a region's statement anew while `work` runs; the file is put back after. */
  async withStatement(
    region: RegionId,
    change: (broker: BrokerMetadata) => Partial<BrokerMetadata>,
    work: () => Promise<void>,
    dates: { iat?: number; exp?: number } = {},
  ): Promise<void> {
    const file = this.#path(region, 'public/entity-statement.jwt');
    const before = readFileSync(file, 'utf8');
    const payload = Buffer.from(before.split('.')[1] ?? '', 'base64url').toString('utf8');
    const statement = entityStatement.parse(JSON.parse(payload));
    const broker = statement.metadata.wayleave_broker;
    const changed = { ...broker, ...change(broker) };
    const key = readFileSync(this.#path(region, 'offline/federation.jwk.json'), 'utf8');
    const signer = await importSigner(JSON.parse(key) as object);
    writeFileSync(
      file,
      signStatement(signer, { ...statement, ...dates, metadata: { wayleave_broker: changed } }),
    );
    try {
      await work();
    } finally {
      writeFileSync(file, before);
    }
  }

  /** Gives a region another message key while `work` runs. */
  async withMessageKey(region: RegionId, work: (key: PublicJwk) => Promise<void>): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const named = { kid: `new-${region}`, alg: 'ES256' };
    const file = this.#path(region, 'private/message.jwk.json');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...named }));
    try {
      await work({ ...publicKey.export({ format: 'jwk' }), ...named } as PublicJwk);
    } finally {
      writeFileSync(file, before);
    }
  }

  #path(region: RegionId, name: string): string {
    return join(this.federation.directory, 'keys', region, name);
  }
}

/** `step code whose` of every step that failed. */
export function failures(steps: readonly Step[]): string[] {
  return steps
    .filter(({ result }) => result === 'failed')
    .map(({ step, code, whose }) => `${step} ${code} ${whose}`);
}
