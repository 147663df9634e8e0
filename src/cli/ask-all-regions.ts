import type { Command } from 'commander';

import type { RegionTold } from '../audit/questions/all-regions.ts';
import { importedIn, reportAsking } from '../broker.ts';
import { isPersonal } from '../evidence/claims.ts';
import { RULES } from '../fhir/codes.ts';
import { Directory } from '../routing/directory.ts';
import { CommandFailed } from './io.ts';
import type { OpenAudit } from './open-audit.ts';

export interface AllRegionsOptions {
  readonly allRegions?: true;
  readonly user?: string;
  readonly role?: string;
  readonly organisation?: string;
}

/** In whose name the neighbours are asked: it is signed, and kept at both ends. */
export interface Asker {
  readonly user: string;
  readonly role: string;
  readonly organisation: string;
}

export function withAllRegions(command: Command): Command {
  return command
    .option(
      '--all-regions',
      "as the patient's home region, ask every neighbour as well, and merge what they tell",
    )
    .option('--user <system|id>', 'with --all-regions: who asks, by name')
    .option('--role <code>', 'with --all-regions: their SDS job role, one that the agreements list')
    .option('--organisation <ods>', 'with --all-regions: for which organisation of this region');
}

/** Undefined for a report of this region alone. @throws CommandFailed for an asker that is none */
export async function askerOf(
  options: AllRegionsOptions,
  { config, store }: Pick<OpenAudit, 'config' | 'store'>,
): Promise<Asker | undefined> {
  const { allRegions, user, role, organisation } = options;
  if (allRegions === undefined) return undefined;
  if (user === undefined || !isPersonal(user)) {
    throw new CommandFailed(
      '--all-regions needs --user with a person, as https://fhir.nhs.uk/Id/sds-user-id|123: neighbours keep who asked.',
      2,
    );
  }
  if (role === undefined || !/^R\d{4}$/.test(role)) {
    throw new CommandFailed(
      '--all-regions needs --role with an SDS job role, as R0001 (Privacy Officer).',
      2,
    );
  }
  const directory = new Directory(config.directory, await importedIn(store));
  if (organisation === undefined || !directory.inCoverage(config.coverage, organisation, Date.now())) {
    throw new CommandFailed(
      `--all-regions needs --organisation with one that ${config.region} covers, as ${config.coverage.organisations[0] ?? 'an ODS code'}.`,
      2,
    );
  }
  return { user, role, organisation };
}

/** Whose report it is, once it is known that this region may ask for it. */
export interface Asking extends Disposable {
  /** Numbers that our own demographics say are the patient's. */
  readonly nhsNumbers: readonly string[];
  ask(
    exchange: string,
    range: { readonly from: number; readonly to: number },
  ): Promise<readonly RegionTold[]>;
}

/**
 * Finds out whether the patient is ours. Where that cannot be found out nobody is asked, and each region says so.
 *
 * @throws CommandFailed where the patient's home is another region
 */
export async function askAllRegions(
  nhsNumber: string,
  also: readonly string[],
  asker: Asker,
  { config, secrets, accessTrail, store }: OpenAudit,
): Promise<Asking> {
  const asking = await reportAsking(config, secrets, accessTrail, store);
  const own = await asking.ownPatient(nhsNumber, also).catch((error: unknown) => {
    asking.close();
    throw error;
  });
  if (own.kind === 'elsewhere') {
    asking.close();
    throw new CommandFailed(
      `${config.region} is not this patient's home region, so no neighbour is asked: ask in ${own.region}, or leave --all-regions out.`,
    );
  }
  const regions = new Directory(config.directory).regions().filter(({ id }) => id !== config.region);
  return {
    nhsNumbers: own.kind === 'ours' ? own.nhsNumbers : [],
    ask: async (exchange, range) => {
      if (own.kind === 'ours') {
        return asking.askForAccesses({ exchange, nhsNumbers: own.nhsNumbers, ...range, ...asker });
      }
      const { rule } = own;
      return regions.map(({ id }) => ({ region: id, outcome: 'not-asked', reason: rule, accesses: [] }));
    },
    [Symbol.dispose]: () => asking.close(),
  };
}

/** Why nobody was asked, where that is so. */
export function whyNobody(regions: readonly { outcome: string; reason?: string | undefined }[]): string[] {
  const reason = regions.find(({ outcome }) => outcome === 'not-asked')?.reason;
  if (reason === undefined) return [];
  const rule = Object.hasOwn(RULES, reason) ? RULES[reason as keyof typeof RULES] : reason;
  return [`No region was asked: ${rule}, so it is not known that this is the patient's home region.`];
}
