import { keepStatements } from '../audit/proof/statement-history.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { HouseError } from '../errors.ts';
import type { OwnNames } from '../evidence/pinned-neighbours.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/contracts.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { statementDigest } from '../trust/standing.ts';
import { keepWhole } from './last-whole.ts';
import { OwnCertificate } from './own-certificate.ts';
import { OwnIdentity, type OwnNow } from './own-identity.ts';

export interface OurselvesSettings {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly store: Pick<Store, 'statements' | 'wholeFiles'>;
  readonly log: Log;
  readonly now: () => number;
}

/** Whom neighbours, viewers and admins meet: our statement with what we sign with, and our certificates. */
export class Ourselves {
  readonly tls: Readonly<Record<TlsRole, OwnCertificate>>;
  readonly #settings: OurselvesSettings;
  readonly #identity: OwnIdentity;

  private constructor(settings: OurselvesSettings, identity: OwnIdentity) {
    const { config, secrets, log, now } = settings;
    const statement = () => identity.current.broker;
    const certificate = (role: TlsRole, pem: string, key: string): OwnCertificate =>
      new OwnCertificate({ config, role, first: { certificate: pem, key }, statement, log, now });
    this.#settings = settings;
    this.#identity = identity;
    this.tls = {
      server: certificate('server', config.serverCertificate, secrets.tlsServerKey),
      client: certificate('client', config.clientCertificate, secrets.tlsClientKey),
    };
  }

  /** @throws as `OwnIdentity.open` does */
  static async open(settings: OurselvesSettings): Promise<Ourselves> {
    const { config, secrets, log, now } = settings;
    return new Ourselves(settings, await OwnIdentity.open(config, secrets, log, now));
  }

  /** The statement and the key that count now. */
  get now(): OwnNow {
    return this.#identity.current;
  }

  get names(): OwnNames {
    return this.#identity.names;
  }

  /** Why files of ours, as they are now, do not count. */
  get faults(): string[] {
    return this.#all.map(({ fault }) => fault).filter((fault) => fault !== undefined);
  }

  /**
   * Follows the files from now on. What changes is in the log before it counts.
   *
   * @param trail of the log that is written now; undefined while nothing is served
   * @param onChange called, at once and synchronously, when another certificate counts
   */
  start(trail: () => AuditTrail | undefined, onChange: Readonly<Record<TlsRole, () => void>>): void {
    const { config, secrets, store, now } = this.#settings;
    const tell = async (detail: object): Promise<void> => {
      const written = trail();
      if (written === undefined) throw new HouseError('store-closed');
      await written.ownIdentityChanged(config.region, detail);
    };
    this.#identity.start(async ({ token, broker, signer }, whole) => {
      await keepWhole(whole, config, secrets, store, now());
      await keepStatements(store.statements, [token], now());
      await tell({
        ...{ statement: broker.sequence, digest: statementDigest(token), signs_with: signer.kid },
        message_keys: broker.message_keys.map(({ kid }) => kid),
      });
    });
    for (const role of ['server', 'client'] as const) {
      this.tls[role].start(async (taken, whole) => {
        await keepWhole(whole, config, secrets, store, now());
        await tell(taken);
      }, onChange[role]);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.stop()));
  }

  get #all(): readonly (OwnIdentity | OwnCertificate)[] {
    return [this.#identity, this.tls.server, this.tls.client];
  }
}
