import type { NeighbourView, ProposalView, StatementView } from '../broker/trust-views.ts';
import { endpointsIn } from '../trust/entity-statement.ts';
import { groupedHex } from '../trust/fingerprint.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

/** What admins read of trust, in lines. What came from a neighbour is made plain where it is printed. */

export function neighbourRows(neighbours: readonly NeighbourView[]): string[] {
  const head = ['region', 'state', 'statement', 'until', 'agreement', 'waits'];
  const rows = neighbours.map(({ region, state, statement, agreement, pending, pausedUntil, refresh }) => [
    region,
    pausedUntil === undefined ? state : `paused until ${pausedUntil}`,
    statement === undefined ? '-' : String(statement.sequence),
    statement?.until.slice(0, 10) ?? '-',
    agreement?.version ?? '-',
    [
      ...(pending === undefined ? [] : [`a statement (changes ${pending.changes.join(', ')})`]),
      ...(refresh.fault === undefined ? [] : [`not refreshed: ${refresh.fault}`]),
    ].join('; ') || '-',
  ]);
  return columns([head, ...rows]).map(plain);
}

export function neighbourLines(view: NeighbourView): string[] {
  const { region, state, source, statement, pinned, agreement, pending, revoked, refresh } = view;
  const known = new Set(statement?.federationKeys);
  return [
    `${region}: ${state}, ${source === 'file' ? 'pinned by the configuration file' : 'enrolled'}`,
    ...(statement === undefined ? [] : statementLines(statement)),
    ...pinned.federationKeys
      .filter((key) => !known.has(key))
      .map((key) => `  also pinned: federation key ${key}`),
    ...pinned.anchors.map(
      ({ subject, until, thumbprint }) =>
        `  pinned anchor: ${subject}, until ${until.slice(0, 10)}, ${thumbprint}`,
    ),
    ...(agreement === undefined
      ? []
      : [`  agreement ${agreement.version} from ${agreement.from}, to be reviewed by ${agreement.reviewBy}`]),
    ...(view.pausedUntil === undefined ? [] : [`  PAUSED until ${view.pausedUntil}`]),
    ...(revoked === undefined ? [] : [`  REVOKED at ${revoked.at}: ${revoked.reason}`]),
    ...view.revokedKeys.map(({ kid, at, reason }) => `  revoked message key ${kid} at ${at}: ${reason}`),
    ...view.revokedCertificates.map(
      ({ thumbprint, at, reason }) => `  revoked certificate ${thumbprint} at ${at}: ${reason}`,
    ),
    `  statement fetched: ${refresh.refreshedAt ?? 'not yet'}${refresh.fault === undefined ? '' : ` (now: ${refresh.fault})`}`,
    ...(pending === undefined
      ? []
      : [
          `WAITS for approval since ${pending.since}: it changes ${pending.changes.join(', ')}`,
          ...statementLines(pending.statement),
        ]),
  ].map(plain);
}

export function proposalLines({ region, by, at, digest, statement, agreement }: ProposalView): string[] {
  return [
    `${region}: PROPOSED by ${by} at ${at}, and waits for another admin`,
    ...statementLines(statement),
    ...Object.entries(agreement).map(([name, value]) => `  agreement.${name}: ${JSON.stringify(value)}`),
    `  digest of all of it: ${digest}`,
    '  Read the words to each other over the telephone, by a number that you know from elsewhere.',
  ].map(plain);
}

function statementLines(one: StatementView): string[] {
  const { fingerprint, coverage, endpoints } = one;
  return [
    `  ${one.name}, ${one.entity}`,
    `  statement ${one.sequence}, ${one.from.slice(0, 10)} to ${one.until.slice(0, 10)}, digest ${one.digest}`,
    `  fingerprint: ${fingerprint.words.join(' ')}`,
    `               ${groupedHex(fingerprint.hex)}`,
    ...one.federationKeys.map((key) => `  federation key ${key}`),
    ...one.messageKeys.map(
      ({ kid, alg, until }) => `  message key ${kid} (${alg})${until === undefined ? '' : ` until ${until}`}`,
    ),
    ...one.anchors.map(
      ({ subject, until, thumbprint }) => `  anchor: ${subject}, until ${until.slice(0, 10)}, ${thumbprint}`,
    ),
    ...one.hostNames.map((name) => `  host name that its certificates may carry: ${name}`),
    ...one.logKeys.map((kid) => `  log key ${kid}`),
    ...one.witnessKeys.map((kid) => `  witness key ${kid}`),
    ...one.logs.map((origin) => `  log ${origin}`),
    `  asked at ${endpointsIn(endpoints).join(', else ')}`,
    `  its statement is at ${endpoints.statement ?? one.entity}`,
    `  covers ${coverage.sub_icbs.join(', ')}${coverage.organisations.length === 0 ? '' : ` and ${coverage.organisations.join(', ')}`}`,
    ...one.records.map(({ id, name, offers }) => `  record ${id}: ${name}, ${offers} types`),
  ];
}
