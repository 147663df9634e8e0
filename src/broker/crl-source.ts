import { hash, type X509Certificate } from 'node:crypto';

import { isWayleaveError } from '../errors.ts';
import { factsOf } from '../trust/certificate-facts.ts';
import { CrlRefused } from '../trust/crl-refused.ts';
import { assertNotOlder, believeCrl, type Crl } from '../trust/crl.ts';
import type { CrlFeed } from './crl-feeds.ts';

/**
 * What one feed gave last that was good, of each authority: held through whatever comes after it. Another authority's
 * list, put in the place of the right one, takes nothing away.
 */
export class CrlSource {
  readonly feed: CrlFeed;
  readonly held = new Map<string, Crl>();
  /** Why the last look gave nothing that can be used, as a code. */
  fault: string | undefined;
  #failures = 0;
  #restored = false;
  #last: { readonly digest: string; readonly authority: string } | undefined;

  constructor(feed: CrlFeed) {
    this.feed = feed;
  }

  /** Looks once. Nothing is thrown: what went wrong is the `fault`. */
  async look(authorities: readonly X509Certificate[]): Promise<void> {
    if (!this.#restored) {
      this.#restored = true;
      // What was kept may be damaged or of an authority that is no longer pinned: then there is nothing kept.
      await this.#take(await this.feed.restore(), authorities).catch(() => undefined);
    }
    const pinned = new Set(authorities.map((one) => factsOf(one).authority));
    for (const authority of this.held.keys()) if (!pinned.has(authority)) this.held.delete(authority);
    try {
      const bytes = await this.feed.read(this.fault === undefined && this.held.size > 0);
      await this.#take(bytes, authorities);
      if (bytes !== undefined) await this.feed.keep(bytes);
      this.fault = undefined;
      this.#failures = 0;
    } catch (error) {
      this.fault = codeOf(error);
      this.#failures += 1;
    }
  }

  /** How long to wait before the next look. */
  get waitMs(): number {
    const { everyMs, retryMs } = this.feed;
    return this.#failures === 0 ? everyMs : Math.min(everyMs, retryMs * 2 ** (this.#failures - 1));
  }

  async #take(bytes: Buffer | undefined, authorities: readonly X509Certificate[]): Promise<void> {
    if (bytes === undefined) return;
    // Read once: a list of ten mebibytes holds everything else up for a third of a second.
    const digest = hash('sha256', bytes);
    if (digest === this.#last?.digest && this.held.has(this.#last.authority)) return;
    const offered = believeCrl(bytes, authorities);
    const held = this.held.get(offered.authority);
    if (held !== undefined) assertNotOlder(offered, held);
    this.held.set(offered.authority, offered);
    this.#last = { digest, authority: offered.authority };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof CrlRefused || isWayleaveError(error)) return error.code;
  return (error as NodeJS.ErrnoException).code ?? 'internal';
}
