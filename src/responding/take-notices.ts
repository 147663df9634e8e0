import type { TLSSocket } from 'node:tls';

import type { NoticeTrail } from '../audit/notice-trail.ts';
import type { Agreement } from '../config/schema.ts';
import { PolicyRefusal } from '../errors.ts';
import {
  NOTICE,
  signReceipt,
  type NoticeClaims,
  type NoticeItem,
  type ReceiptBody,
} from '../evidence/notice.ts';
import type { PatientNumberSeal } from '../evidence/patient-number-seal.ts';
import type { Admitted, Verified } from '../evidence/query.ts';
import { refOf } from '../evidence/response.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import type { Span } from '../span.ts';
import type { NoticeInboxStore, ToldRegion } from '../store/contracts.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { admit, assertNotRevoked, type Admission } from './admit.ts';
import type { SignedAnswer } from './answer.ts';
import { onConnection, type Answering } from './connection.ts';
import { provedPart, refuse } from './refuse.ts';

/** What taking notices stands on. */
export interface TakingNotices extends Answering {
  /** Our own. */
  readonly region: string;
  readonly admission: Admission;
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly inbox: Pick<NoticeInboxStore, 'keep'>;
  /** How much of one neighbour's may wait. */
  readonly mostWaiting: number;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly numbers: PatientNumberSeal;
  readonly noticeAudit: NoticeTrail;
  /** Called when something was kept: nobody waits for what it does. */
  readonly onKept: () => void;
  readonly now: () => number;
}

/**
 * A neighbour tells that it holds something of patients who may be ours, or hands patients over. Proof as for every message;
 * then the agreement; then all of it is kept, whosever the patients are, and the receipt is on the disk before it leaves.
 * Nothing is looked up here: neither the receipt nor the time that it takes tells whether a patient is ours.
 *
 * @param token the signed notice as it came
 * @throws as `respond` does
 */
export async function takeNotices(
  token: unknown,
  socket: TLSSocket,
  taking: TakingNotices,
  span: Span<'neighbour-request'>,
): Promise<SignedAnswer> {
  const { admission, noticeAudit, now } = taking;
  const peer = admission.neighbours.identify(peerCertificateOf(socket), 'client', now());
  const { region } = peer.neighbour;
  const { sender } = onConnection(taking, socket);
  let notice: Admitted<NoticeClaims> | undefined;
  try {
    notice = await admit(NOTICE, token, peer, admission, receiver(taking), span, now());
    const agreement = taking.agreementWith(region);
    if (agreement === undefined) throw new PolicyRefusal('no-agreement');
    assertNotRevoked(notice, admission);
    const told = toldIn(notice, taking);
    if (!(await taking.inbox.keep(told, taking.mostWaiting))) throw new PolicyRefusal('notices-full');
    taking.onKept();
    assertNotRevoked(notice, admission);
    const count = notice.claims.items.length;
    const said: ReceiptBody = { outcome: 'taken', status: 200, count, bytes: Buffer.from('{}') };
    const response = signReceipt(sender, refOf(notice), said, now());
    const { outcome } = said;
    await noticeAudit.noticeTaken(notice.claims.jti, region, {
      ...{ outcome, count, agreement: agreement.version, response },
    });
    return { outcome: said.outcome, status: said.status, token: response.token, bytes: said.bytes };
  } catch (error) {
    const ref = provedPart(error, notice, peer);
    if (ref === undefined) throw error;
    return await refuse(error, {
      sign: (body) => signReceipt(sender, ref, body, now()),
      keep: (told) => noticeAudit.noticeRefused(ref.jti, region, told, notice !== undefined),
    });
  }
}

/** The received notice is on the disk before anything is decided on it. */
function receiver({ noticeAudit }: TakingNotices) {
  return ({ token, digest, claims, peer }: Verified<NoticeClaims>, keepUntil: number): Promise<boolean> => {
    const message = { token, digest, jti: claims.jti, issuer: claims.iss, keepUntil };
    return noticeAudit.noticeReceived(peer.neighbour.region, { ...message, count: claims.items.length });
  };
}

/** A row for each patient and region but ours. Where one is named that we cannot ask, or do not know, answers are to say so. */
function toldIn(
  { claims, peer }: Admitted<NoticeClaims>,
  { region: own, patientDigest, numbers, now }: TakingNotices,
): ToldRegion[] {
  const sender = peer.neighbour.region;
  const at = now();
  return claims.items.flatMap((item) => {
    const nhsNumber = fromNhsNumberToken(item.patient) ?? '';
    const patient = patientDigest(nhsNumber);
    const sealedNumber = numbers.seal(nhsNumber, patient);
    const row = { sender, patient, how: howOf(item), sealedNumber, firstTold: at, lastTold: at };
    return regionsOf(item, sender)
      .filter((region) => region !== own)
      .map((region) => ({ ...row, region }));
  });
}

function regionsOf(item: NoticeItem, sender: string): readonly string[] {
  return item.kind === 'held' ? [sender] : item.regions;
}

function howOf({ kind }: NoticeItem): ToldRegion['how'] {
  return kind === 'held' ? 'notice' : 'handover';
}
