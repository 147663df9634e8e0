import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TrustDesk } from '../../src/broker/trust-desk.ts';
import { DeliveryError, EvidenceError, RequestError } from '../../src/errors.ts';
import type { BrokerMetadata, PublicJwk } from '../../src/trust/entity-statement.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { statementWith, newSigningKey } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const SAID = { by: 'officer-1', why: 'read to each other on the telephone' };

describe('the statement of a neighbour, fetched anew', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let desk: TrustDesk;
  let ahead = 0;
  /** What London's address gives; undefined: its own broker is asked, as in life. */
  let given: string | Error | undefined;
  const looked: string[] = [];
  beforeEach(async () => {
    given = undefined;
    ahead = 0;
    const { fetchStatement } = await import('../../src/upstream/statement-fetch.ts');
    federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      now: () => Date.now() + ahead,
      fetchStatement: async (_region, base) => {
        looked.push(base);
        if (given instanceof Error) throw given;
        return given ?? (await fetchStatement(base));
      },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
    desk = federation.broker('herts-west-essex').trust;
  });
  afterEach(async () => {
    viewer.close();
    await federation.stop();
  });

  const ofLondon = async (): Promise<string[] | undefined> => {
    const token = await viewer.token(PATIENT, {}, { now: Date.now() + ahead });
    const { body } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`, { token });
    return rollCallOf(body)['london'];
  };
  const london = () => desk.list().neighbours.find(({ region }) => region === 'london') ?? assert.fail();
  const sequence = () => london().statement?.sequence;
  const gives = async (
    change?: (broker: BrokerMetadata) => Partial<BrokerMetadata>,
    otherwise?: Parameters<typeof statementWith>[3],
  ): Promise<string> => {
    given = (await statementWith(federation, 'london', change, otherwise)).token;
    return given;
  };

  it('is the one that its own broker serves, whatever certificate that has', async () => {
    assert.equal(await desk.refresh('london'), 'same');
    assert.equal(looked.at(-1), `https://127.0.0.1:${federation.broker('london').ports.statement}`);
    assert.equal(london().refresh.fault, undefined);
    assert.ok(london().refresh.refreshedAt);
  });

  it('is taken where only its message keys are others: from then on the former key signs nothing', async () => {
    await gives(() => ({ message_keys: [newKey('next')] }));
    assert.equal(await desk.refresh('london'), 'taken');
    assert.deepEqual(
      london().statement?.messageKeys.map(({ kid }) => kid),
      ['next'],
    );
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'not-believed']);
    assert.deepEqual(
      desk.show('london').history.map(({ kind, by }) => [kind, by]),
      [['statement-taken', 'refresh']],
    );
  });

  it('waits for an admin where it changes more, and nothing of it counts before', async () => {
    const anchor =
      federation.config('herts-west-essex').neighbours.find(({ region }) => region === 'london')
        ?.anchors[0] ?? '';
    const theirs = federation.config('london').neighbours[0]?.anchors[0] ?? '';
    const before = london().pinned.anchors;
    await gives(() => ({ tls: { anchors: [anchor, theirs] }, message_keys: [newKey('next')] }));
    assert.equal(await desk.refresh('london'), 'pending');
    const { pending } = london();
    assert.deepEqual(pending?.changes, ['tls']);
    assert.deepEqual(london().pinned.anchors, before);
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    // Looked at again and again it is one decision.
    assert.equal(await desk.refresh('london'), 'pending');
    assert.equal(desk.show('london').history.length, 1);

    await assert.rejects(desk.approve('london', 'of another', SAID), hasCode('nothing-pending'));
    await desk.approve('london', pending?.statement.digest ?? '', SAID);
    assert.equal(london().pinned.anchors.length, 2);
    assert.equal(london().pending, undefined);
    assert.equal(await desk.refresh('london'), 'same');
  });

  it('waits once: an older one, or another of its number, does not take its place, however often they alternate', async () => {
    const older = await gives(() => ({ contact: 'somebody else' }));
    assert.equal(await desk.refresh('london'), 'pending');
    const newer = await gives(({ sequence: last }) => ({ sequence: last + 2, contact: 'a third' }));
    assert.equal(await desk.refresh('london'), 'pending');
    for (let turn = 0; turn < 3; turn += 1) {
      given = older;
      await assert.rejects(
        desk.refresh('london'),
        (error: Error & { code?: string }) => error.code === 'lower-sequence',
      );
      given = newer;
      assert.equal(await desk.refresh('london'), 'pending');
    }
    assert.equal(desk.show('london').history.length, 2);
  });

  it('is taken two dozen times a day at most: each is kept for ever', async () => {
    for (let nth = 1; nth <= 24; nth += 1) {
      await gives(({ sequence: last }) => ({ sequence: last + nth }));
      assert.equal(await desk.refresh('london'), 'taken');
    }
    await gives(({ sequence: last }) => ({ sequence: last + 25 }));
    await assert.rejects(
      desk.refresh('london'),
      (error: Error & { code?: string }) => error.code === 'too-many-changes',
    );
    ahead += 86_400_001;
    assert.equal(await desk.refresh('london'), 'taken');
  });

  it('is declined once, and not proposed a second time', async () => {
    await gives(() => ({ contact: 'somebody else' }));
    assert.equal(await desk.refresh('london'), 'pending');
    await desk.decline('london', london().pending?.statement.digest ?? '', SAID);
    assert.equal(await desk.refresh('london'), 'declined-before');
    assert.equal(london().pending, undefined);
  });

  it('is not approved while it claims sub-ICB locations of another region', async () => {
    const own = federation.config('herts-west-essex').coverage.sub_icbs;
    await gives(({ coverage }) => ({ coverage: { ...coverage, sub_icbs: [...coverage.sub_icbs, ...own] } }));
    assert.equal(await desk.refresh('london'), 'pending');
    const digest = london().pending?.statement.digest ?? '';
    await assert.rejects(desk.approve('london', digest, SAID), hasCode('coverage-taken'));
  });

  it('a jump of the sequence to the highest number waits, and so shuts nobody out', async () => {
    await gives(() => ({ sequence: Number.MAX_SAFE_INTEGER, message_keys: [newKey('thief')] }));
    assert.equal(await desk.refresh('london'), 'pending');
    assert.deepEqual(london().pending?.changes, ['sequence']);
    await gives();
    assert.equal(await desk.refresh('london'), 'taken');
  });

  describe('of a thief who has the message key and the TLS key', () => {
    const REFUSED: Record<
      string,
      [Parameters<typeof statementWith>[3], string, ((b: BrokerMetadata) => Partial<BrokerMetadata>)?]
    > = {
      'signed with the message key': [{ key: 'private/message.jwk.json' }, 'unknown-kid'],
      'signed with the log key': [{ key: 'private/log.jwk.json' }, 'unknown-kid'],
      'signed with a key of his own under the name of the true one': [
        { key: 'thief.jwk.json' },
        'bad-signature',
      ],
      'that has expired': [{ claims: ({ iat }) => ({ iat: iat - 100, exp: iat - 50 }) }, 'not-fresh'],
      'of the future': [{ claims: ({ exp }) => ({ iat: exp - 1 }) }, 'not-fresh'],
      'for another subject': [{ claims: () => ({ sub: 'https://thief.example' }) }, 'bad-claims'],
      'by another issuer': [{ claims: () => ({ iss: 'https://thief.example' }) }, 'wrong-issuer'],
      'with a lower sequence': [{}, 'lower-sequence', () => ({ sequence: 0 })],
      'with the same sequence and other bytes': [
        {},
        'equal-sequence',
        ({ sequence }) => ({ sequence, refresh_hint: 31 }),
      ],
      'for another region': [{}, 'another-region', () => ({ region: 'west-midlands' })],
    };
    for (const [what, [otherwise, code, change]] of Object.entries(REFUSED)) {
      it(`is refused ${what}, and the one in force stays`, async () => {
        writeThiefsKey(federation);
        const before = sequence();
        await gives(change ?? (() => ({ message_keys: [newKey('thief')] })), otherwise);
        await assert.rejects(
          desk.refresh('london'),
          (error: Error & { code?: string }) => error.code === code,
        );
        assert.equal(sequence(), before);
        assert.equal(london().refresh.fault, code);
        assert.deepEqual(desk.show('london').history, []);
        assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
      });
    }

    it('is refused with an anchor that is no certificate, whoever signed it', async () => {
      const [anchor = ''] = federation.config('london').neighbours[0]?.anchors ?? [];
      for (const wrong of ['anchor', `${anchor}${anchor}`, anchor.slice(0, -40), `${anchor}x`]) {
        await gives(() => ({ tls: { anchors: [wrong] } }));
        await assert.rejects(desk.refresh('london'), (error: EvidenceError) => error.code === 'bad-claims');
      }
    });
  });

  it('of one that is revoked is not fetched as if nothing were: that is said', async () => {
    const what = { kind: 'neighbour' } as const;
    await desk.revoke('london', what, { reason: 'unspecified' }, SAID);
    await gives();
    await assert.rejects(
      desk.refresh('london'),
      (error: Error & { code?: string }) => error.code === 'neighbour-revoked',
    );
  });

  it('is kept as it was where what comes is no statement', async () => {
    for (const text of ['', '<html>', 'a.b.c', 'x'.repeat(1_000)]) {
      given = text;
      await assert.rejects(desk.refresh('london'), EvidenceError);
    }
    given = new DeliveryError('answer-too-large');
    await assert.rejects(desk.refresh('london'), DeliveryError);
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
  });

  it('is fetched again after an outage of an hour, without a restart', async () => {
    given = new DeliveryError('refused-connection');
    ahead += 600_000;
    await until(() => london().refresh.fault === 'refused-connection', 'a fault');
    for (let minutes = 0; minutes < 60; minutes += 10) {
      ahead += 600_000;
      assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    }
    await gives(() => ({ message_keys: [newKey('next')] }));
    ahead += 20 * 60_000;
    await until(() => london().refresh.fault === undefined, 'recovery');
    assert.deepEqual(
      london().statement?.messageKeys.map(({ kid }) => kid),
      ['next'],
    );
  });

  it('is looked for when a message names a key that is not known: the next question is answered', async () => {
    await gives(() => ({ message_keys: [newKey('another')] }));
    assert.equal(await desk.refresh('london'), 'taken');
    await gives(({ sequence: last }) => ({ sequence: last + 2 }));
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'not-believed']);
    await until(async () => (await ofLondon())?.[0] === 'answered', 'the answer');
  });
});

function newKey(kid: string): PublicJwk {
  return newSigningKey(kid)[0];
}

/** A key of his own that bears the name of London's federation key. */
function writeThiefsKey(federation: TestFederation): void {
  const { kid } = federation.config('london').federationKeys[0] ?? assert.fail();
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'EdDSA' };
  writeFileSync(join(federation.directory, 'keys/london/thief.jwk.json'), JSON.stringify(jwk));
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RequestError && error.code === code;
}
