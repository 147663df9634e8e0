import { join } from 'node:path';
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';

import { Directory, type DirectoryData } from '../../src/routing/directory.ts';
import { planFor, type Planning } from '../../src/routing/plan-for.ts';
import { startDeadline } from '../../src/deadline.ts';
import type { Store } from '../../src/store/contracts.ts';
import { ROOT } from './places.ts';

const TURNS = 20_000;
const DAY_MS = 86_400_000;
const PATIENT = Buffer.alloc(32, 9).toString('base64url');

export interface PlanCost {
  /** Processor time of one plan, registration and everything else at hand. */
  readonly cpuMs: number;
}

/** A patient of ours with three locations, in a store that is given: gathered and planned again and again. */
export async function planCost(store: Store): Promise<PlanCost> {
  const data = parse(readFileSync(join(ROOT, 'config/directory.yaml'), 'utf8')) as DirectoryData;
  const [practice = ''] = Object.keys(data.practices);
  const seen = { patient: PATIENT, source: 'bench', firstSeen: DAY_MS, lastSeen: DAY_MS };
  await store.careLocations.record(
    ['RJ611', 'RQW', 'RRK15'].map((organisation) => ({ ...seen, organisation })),
  );
  const planning: Planning = {
    ...{ region: 'herts-west-essex', ownRecords: ['hwe-shared-care-record'], directory: new Directory(data) },
    registrations: {
      registrationOf: (nhsNumber) => Promise.resolve({ kind: 'registered', practice, current: nhsNumber }),
    },
    ...{ careLocations: store.careLocations, withoutRegistration: 'ask-all-agreed', recentMonths: 12 },
    ...{ agreementWith: () => ({}), patientDigest: () => PATIENT, now: Date.now },
  };
  using deadline = startDeadline(60_000);
  const asker = { nhsNumber: '9990000018', shownByViewer: ['hwe-shared-care-record'] };
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await planFor(asker, planning, deadline);
  };
  await turns(TURNS / 10);
  const before = process.cpuUsage();
  await turns(TURNS);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / TURNS };
}
