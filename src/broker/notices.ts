import { NoticeTrail } from '../audit/notice-trail.ts';
import type { AuditLog } from '../audit/log.ts';
import { PatientNumberSeal } from '../evidence/patient-number-seal.ts';
import type { Sender } from '../evidence/query.ts';
import type { TakingNotices } from '../responding/take-notices.ts';
import type { NoticeParts } from '../whereabouts/notice-parts.ts';
import { NoticesRoom } from '../whereabouts/notices-room.ts';
import type { Parts } from './service.ts';

interface Given
  extends
    Pick<NoticeParts, 'agreementWith' | 'patientDigest'>,
    Pick<TakingNotices, 'admission' | 'senderOn'> {
  readonly auditLog: AuditLog;
  readonly sender: Sender;
}

/** Telling patients' home regions, and taking what neighbours tell, on the log that is written now. */
export function openNotices(
  { config, secrets, store, now, log, neighbours, links, directory, demographics }: Parts,
  { auditLog, sender, admission, senderOn, agreementWith, patientDigest }: Given,
): { room: NoticesRoom; taking: TakingNotices } {
  const { region, patient_notices: settings } = config;
  const trail = new NoticeTrail(auditLog);
  const numbers = new PatientNumberSeal(secrets.patientDigestKey);
  const room = new NoticesRoom({
    ...{ region, directory, neighbours, links, agreementWith, sender, trail, store },
    lookUp: (nhsNumber, deadline) => demographics.registrationOf(nhsNumber, deadline),
    ...{ patientDigest, numbers, settings, log, now },
  });
  const taking: TakingNotices = {
    ...{ admission, senderOn, agreementWith, patientDigest, numbers, noticeAudit: trail, now },
    ...{ inbox: store.noticeInbox, mostWaiting: settings.inbox_per_neighbour },
    onKept: () => room.came(),
  };
  return { room, taking };
}
