import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

import type { NoticeTrail } from '../../src/audit/notice-trail.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import { takeNotices, type TakingNotices } from '../../src/responding/take-notices.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { BesideBroker } from '../support/noticing.ts';
import { unwatched } from '../support/unwatched.ts';
import { held, NoticingNeighbour } from './noticing-neighbour.ts';

describe('a notice whose key is revoked while it is taken', () => {
  let federation: TestFederation;
  let beside: BesideBroker;
  before(async () => {
    federation = await startFederation({ regions: ['london', 'herts-west-essex'] });
    beside = await BesideBroker.of(federation, 'london');
  });
  after(async () => {
    await beside.store.close();
    await federation.stop();
  });

  /** @param revokes true: admins revoke the key just after the notice is received */
  async function take(revokes: boolean): Promise<{ status: number; kept: number }> {
    const herts = new NoticingNeighbour(federation, 'herts-west-essex', 'london');
    const { entity, neighbours: pins } = federation.config('london');
    const neighbours = new Neighbours(await pinnedNeighbours(pins, Date.now()));
    const { kid } = await herts.neighbour.signer();
    const decided = { revoked: false, revokedKeys: new Set([kid]), revokedCertificates: new Set<string>() };
    const revoke = (): void =>
      neighbours.replace(
        neighbours.all().map((one) => ({ ...one, decided: { ...decided, pausedUntil: 0 } })),
      );
    const leaf = new X509Certificate(herts.neighbour.tls('london').cert ?? '');
    const socket = { getPeerX509Certificate: () => leaf } as unknown as TLSSocket;
    const own = new NoticingNeighbour(federation, 'london', 'herts-west-essex').neighbour;
    let kept = 0;
    const noticeAudit: Pick<NoticeTrail, 'noticeReceived' | 'noticeTaken' | 'noticeRefused'> = {
      noticeReceived: () => {
        if (revokes) revoke();
        return Promise.resolve(true);
      },
      noticeTaken: () => Promise.resolve(),
      noticeRefused: () => Promise.resolve(),
    };
    const signer = await own.signer();
    const taking: TakingNotices = {
      ...{ region: 'london', admission: { self: entity, neighbours }, mostWaiting: 10 },
      ...{ patientDigest: beside.digest, numbers: beside.numbers, now: Date.now },
      ...{ agreementWith: () => ({ version: '1' }) as never, onKept: () => undefined },
      inbox: {
        keep: () => {
          kept += 1;
          return Promise.resolve(true);
        },
      },
      noticeAudit: noticeAudit as NoticeTrail,
      senderOn: () => ({ entity, signer, statement: 1, thumbprint: thumbprintOf(leaf) }),
    };
    const answer = await takeNotices(await herts.token([held('9990000018')]), socket, taking, unwatched());
    return { status: answer.status, kept };
  }

  it('is refused, and none of it is kept', async () => {
    assert.deepEqual(await take(false), { status: 200, kept: 1 });
    assert.deepEqual(await take(true), { status: 401, kept: 0 });
  });
});
