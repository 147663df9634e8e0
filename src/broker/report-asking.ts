import type { AccessTrail } from '../audit/access-trail.ts';
import type { RegionTold } from '../audit/questions/all-regions.ts';
import { agreementInForce } from '../config/agreements.ts';
import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { startDeadline } from '../deadline.ts';
import { ownStatement } from '../evidence/pinned-neighbours.ts';
import { senderAs } from '../evidence/sender.ts';
import { createLog } from '../log.ts';
import { Directory } from '../routing/directory.ts';
import type { Store } from '../store/contracts.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { neighboursWithCrls } from './crls.ts';
import { linksTo } from './links.ts';
import { importedIn } from './live-directory.ts';
import { openDemographics } from './open-demographics.ts';
import { ownNames } from './own-names.ts';
import type { AccessQuestion, AskingAccesses } from '../requesting/ask-access-page.ts';
import { askForAccesses } from '../requesting/ask-accesses.ts';
import { ownPatient, type OwnPatient } from '../requesting/own-patient.ts';

/**
 * What a report over all regions asks with: our neighbours and our own demographics, over connections of its own.
 *
 * @throws StartError when a key or a statement is not in force
 */
export async function reportAsking(
  config: Config,
  secrets: Secrets,
  audit: AccessTrail,
  store: Pick<Store, 'directory' | 'toldRestrictions'>,
  now = Date.now,
) {
  const log = createLog(config.region, 'silent');
  const client: TlsIdentity = { certificate: config.clientCertificate, key: secrets.tlsClientKey };
  const names = await ownNames(config, secrets);
  const { sequence } = (await ownStatement(config, names, now())).metadata.wayleave_broker;
  const imported = await importedIn(store);
  const { neighbours, crls } = await neighboursWithCrls(config, log, now);
  await crls.start();
  const links = linksTo(config, neighbours, () => client, log, now);
  const registrations = openDemographics(config, secrets, store, log, now);
  const { region, entity, budgets } = config;
  const asking: AskingAccesses = {
    ...{ region, entity, neighbours, links, audit, log, now, budgetMs: budgets.document_ms },
    directory: new Directory(config.directory, imported),
    agreementWith: (other) => agreementInForce(config.neighbours, other, now()),
    sender: senderAs(client, entity, names.messageKey, sequence),
  };
  return {
    ownPatient: async (nhsNumber: string, also: readonly string[]): Promise<OwnPatient> => {
      using deadline = startDeadline(budgets.bundle_ms);
      return await ownPatient(nhsNumber, also, { ...asking, registrations }, deadline);
    },
    askForAccesses: (question: AccessQuestion): Promise<RegionTold[]> => askForAccesses(question, asking),
    close: (): void => {
      crls.stop();
      for (const one of [registrations, ...links.values()]) one.close();
    },
  };
}
