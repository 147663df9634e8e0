import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { hostNames } from '../../certs-dev/make-region.ts';
import { leafValidity } from '../../certs-dev/validity.ts';
import { issueVariant, type Variant } from '../../certs-dev/variants.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { rollCallOf } from '../support/viewer.ts';
import { unverified } from '../support/unverified.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { LONDON, type LyingLondon } from './lying-london.ts';

describe('a neighbour with a certificate that is not its own', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  const now = new Date();
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
    london.behaviour = (heard) => london.believable(heard);
  });
  after(() => asked.stop());

  const read = (region: RegionId, name: string): string =>
    readFileSync(join(asked.federation.directory, 'keys', region, name), 'utf8');
  const authority = (region: RegionId): Credential => ({
    certificate: read(region, 'public/ca.pem'),
    key: read(region, 'offline/ca.key.pem'),
  });
  const variant = (kind: Variant) => () =>
    issueVariant(kind, 'server', {
      region: 'london',
      other: 'essex-suffolk',
      authority: authority('london'),
      now,
    });
  const leaf = (region: RegionId, uri: string, usage: 'server' | 'client') => () =>
    issueLeaf(authority(region), {
      commonName: 'stand-in',
      uri,
      usage,
      ...hostNames('server'),
      ...leafValidity(now),
    });

  const WRONG: Record<string, () => Promise<Credential>> = {
    'that has expired': variant('expired'),
    'that names another region': variant('wrong-region'),
    'of an authority of the same name that is not pinned': variant('unknown-ca'),
    'with two names': variant('two-uris'),
    'that an ordinary certificate issued': variant('nested'),
    'that another region’s authority issued in its name': leaf('essex-suffolk', LONDON, 'server'),
    'for clients': leaf('london', LONDON, 'client'),
    'whose name only begins alike': leaf('london', `${LONDON}.elsewhere.example`, 'server'),
    'whose name has a slash more': leaf('london', `${LONDON}/`, 'server'),
    'that is another region’s own': () =>
      Promise.resolve({
        certificate: read('essex-suffolk', 'public/tls-server.pem'),
        key: read('essex-suffolk', 'private/tls-server.key.pem'),
      }),
  };
  for (const [what, make] of Object.entries(WRONG)) {
    it(`is not even told the question: one ${what}`, async () => {
      const { certificate, key } = await make();
      london.present(asked.federation, { cert: certificate, key });
      await asked.assertNotReached('fault', 'tls-failed');
      assert.equal(london.heard.length, 0);
    });
  }

  it('is not told it either where a variable of the environment turns verification off', async () => {
    const { certificate, key } = await variant('unknown-ca')();
    london.present(asked.federation, { cert: certificate, key });
    await unverified(() => asked.assertNotReached('fault', 'tls-failed'));
    assert.equal(london.heard.length, 0);
  });

  it('is asked again with its own', async () => {
    london.present(asked.federation);
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.equal(london.heard.length, 1);
  });

  it('shows its certificate on every connection: none is resumed from an earlier one', async () => {
    const resumed: boolean[] = [];
    london.behaviour = (heard) => {
      resumed.push((heard.request.socket as TLSSocket).isSessionReused());
      return london.believable(heard);
    };
    for (let at = 0; at < 3; at += 1) {
      london.hangUp();
      await asked.ask();
    }
    assert.deepEqual(resumed, [false, false, false]);
  });

  it('is judged again on every request: a new certificate needs a new binding, an old connection does not', async () => {
    const { certificate, key } = await leaf('london', LONDON, 'server')();
    london.present(asked.federation, { cert: certificate, key });
    // The stand-in still signs for its first certificate: the response belongs to another connection.
    await asked.assertNotReached('not-believed', 'wrong-binding');
  });
});
