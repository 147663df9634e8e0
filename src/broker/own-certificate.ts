import { X509Certificate } from 'node:crypto';

import type { Config } from '../config/load.ts';
import { filesReadAnew, ownTlsStamp, readOwnTls } from '../config/own-anew.ts';
import type { WholeFile } from '../config/trust-files.ts';
import { StartError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import { isUsable, type TlsIdentity } from '../trust/tls.ts';
import { judgeOwn, ourselves } from '../upstream/check/own-certificate.ts';
import { FileWatch } from './file-watch.ts';
import { standInAmong } from './last-whole.ts';

export interface OwnCertificateSettings {
  readonly config: Config;
  readonly role: TlsRole;
  /** What the configuration's file held at the start, with its key. */
  readonly first: TlsIdentity;
  /** What our statement says of us now: neighbours judge our certificates by it. */
  readonly statement: () => BrokerMetadata;
  readonly log: Log;
  readonly now: () => number;
}

/** What an entry of the log says of a certificate that is used from now on. */
export interface CertificateTaken {
  readonly certificate: TlsRole;
  /** RFC 8705 `x5t#S256`. */
  readonly thumbprint: string;
  readonly issuer: string;
  /** ISO instant. */
  readonly valid_until: string;
}

/** Keeps durably that a certificate is used from now on, and what its file holds. */
export type Keep = (taken: CertificateTaken, whole: readonly WholeFile[]) => Promise<void>;

/**
 * One of our TLS certificates with its key, read again when its files change, whoever changed them: a renewal needs no
 * restart. One that neighbours would refuse changes nothing, and is told.
 */
export class OwnCertificate {
  readonly #settings: OwnCertificateSettings;
  readonly #watch: FileWatch;
  #current: TlsIdentity;
  #thumbprint: string;
  #keep: Keep = async () => undefined;
  #onChange: () => void = () => undefined;

  constructor(settings: OwnCertificateSettings) {
    const { config, role, log } = settings;
    this.#settings = settings;
    this.#current = settings.first;
    this.#thumbprint = thumbprintOf(new X509Certificate(settings.first.certificate));
    this.#watch = new FileWatch({
      stamp: () => ownTlsStamp(config, role),
      take: () => this.#take(),
      onFault: (what) => log.error({ role, what }, 'our own certificate stays as it was'),
    });
    // It is used all the same: what else there is may be worse, and a link may be mended from the other end.
    const code = this.#faultOf(settings.first);
    const fault =
      code === undefined ? standInAmong(filesReadAnew(config)[role], config) : refusal(role, code);
    if (fault !== undefined) this.#watch.say(fault);
  }

  get current(): TlsIdentity {
    return this.#current;
  }

  /** RFC 8705 `x5t#S256` of it. */
  get thumbprint(): string {
    return this.#thumbprint;
  }

  /** Why the files, as they are now, are not what we use, or why neighbours refuse it. */
  get fault(): string | undefined {
    return this.#watch.fault;
  }

  /**
   * @param keep told before another certificate is used: it is not used where that rejects
   * @param onChange called, at once and synchronously, when it is used
   */
  start(keep: Keep, onChange: () => void): void {
    this.#keep = keep;
    this.#onChange = onChange;
    this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  async #take(): Promise<void> {
    const { config, role, log } = this.#settings;
    const { identity: found, whole } = await readOwnTls(config, role, this.#current);
    const code = this.#faultOf(found);
    if (code !== undefined) throw new StartError(refusal(role, code));
    if (found.certificate === this.#current.certificate) return;
    const leaf = new X509Certificate(found.certificate);
    const taken: CertificateTaken = {
      certificate: role,
      thumbprint: thumbprintOf(leaf),
      issuer: leaf.issuer.replaceAll('\n', ', '),
      valid_until: leaf.validToDate.toISOString(),
    };
    await this.#keep(taken, whole);
    this.#current = found;
    this.#thumbprint = taken.thumbprint;
    this.#onChange();
    log.info({ role, thumbprint: taken.thumbprint }, 'our own certificate was read anew');
  }

  #faultOf(identity: TlsIdentity): string | undefined {
    const { config, role, statement, now } = this.#settings;
    const { fault } = judgeOwn(identity, ourselves(config.entity, statement()), role, now());
    return fault?.code ?? (isUsable(identity) ? undefined : 'certificate-unusable');
  }
}

function refusal(role: TlsRole, code: string): string {
  return (
    `certificates.${role}: neighbours refuse it (${code}): put one in place that our statement vouches for, ` +
    'with `wayleave trust import`.'
  );
}
