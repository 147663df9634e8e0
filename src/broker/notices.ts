import { NoticeTrail } from '../audit/notice-trail.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Config } from '../config/load.ts';
import type { Secrets, StoreSecrets } from '../config/secrets.ts';
import { PatientNumberSeal } from '../evidence/patient-number-seal.ts';
import type { TakingNotices } from '../responding/take-notices.ts';
import { Directory } from '../routing/directory.ts';
import type { OnSeen } from '../routing/seen-patients.ts';
import type { Store } from '../store/contracts.ts';
import type { Demographics } from '../upstream/demographics.ts';
import type { NoticeParts } from '../whereabouts/notices/notice-parts.ts';
import { queueSeen } from '../whereabouts/notices/queue-seen.ts';
import { importedIn } from './live-directory.ts';
import { NoticesRoom } from '../whereabouts/notices/notices-room.ts';

/** What of a service it stands on. */
interface Standing
  extends
    Pick<NoticeParts, 'neighbours' | 'links' | 'directory' | 'agreementWith' | 'patientDigest' | 'sender'>,
    Pick<NoticeParts, 'log' | 'now'>,
    Pick<TakingNotices, 'admission' | 'senderOn'> {
  readonly config: Pick<Config, 'region' | 'patient_notices'>;
  readonly secrets: Pick<Secrets, 'patientDigestKey'>;
  readonly store: NoticeParts['store'] & Pick<Store, 'register'>;
  readonly demographics: Demographics;
  readonly auditLog: AuditLog;
}

/** Telling patients' home regions, and taking what neighbours tell, on the log that is written now. */
export function openNotices(standing: Standing): { room: NoticesRoom; taking: TakingNotices } {
  const { config, secrets, demographics, auditLog, ...shared } = standing;
  const { region, patient_notices: settings } = config;
  const { admission, senderOn, agreementWith, patientDigest, now } = shared;
  const trail = new NoticeTrail(auditLog);
  const numbers = new PatientNumberSeal(secrets.patientDigestKey);
  const room = new NoticesRoom({
    ...{ ...shared, region, settings, trail, numbers, register: standing.store.register },
    lookUp: (nhsNumber, deadline) => demographics.registrationOf(nhsNumber, deadline, 'background'),
  });
  const taking: TakingNotices = {
    ...{ admission, senderOn, agreementWith, patientDigest, numbers, noticeAudit: trail, now },
    ...{ region, inbox: shared.store.noticeInbox, mostWaiting: settings.inbox_per_neighbour },
    onKept: () => room.came(),
  };
  return { room, taking };
}

/** For what learns of patients beside the broker: their home regions are told by it, when it runs. */
export async function openQueueing(
  { region, directory, patient_notices: settings }: Pick<Config, 'region' | 'directory' | 'patient_notices'>,
  store: Store,
  { patientDigestKey }: Pick<StoreSecrets, 'patientDigestKey'>,
): Promise<OnSeen> {
  const parts = {
    ...{ region, directory: new Directory(directory, await importedIn(store)), settings, now: Date.now },
    ...{ store, register: store.register, numbers: new PatientNumberSeal(patientDigestKey) },
  };
  return queueSeen(parts, () => undefined);
}
