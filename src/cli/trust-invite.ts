import { Command } from 'commander';

import { ownFederationKeys, ownStatementText, type OwnPlaces } from '../config/own-places.ts';
import { isWayleaveError } from '../errors.ts';
import { anchorWords } from '../evidence/statement-changes.ts';
import { verifyStatement } from '../evidence/statement.ts';
import { endpointsIn, type EntityStatement, type PublicJwk } from '../trust/entity-statement.ts';
import { fingerprintOf, groupedHex, type Fingerprint } from '../trust/fingerprint.ts';
import { CommandFailed, type Io } from './io.ts';
import { refuseExisting, writeNewFile } from './new-file.ts';
import { ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly out?: string;
  readonly json?: true;
}

export function inviteCommand(io: Io): Command {
  return withOwnRegion(new Command('invite'))
    .description('Show our entity statement to whom we want as a neighbour, with its fingerprint in words.')
    .option('--out <file>', 'write the statement there, to be sent')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nSend the statement, or its address. Read the words aloud over the telephone, to a number known from elsewhere:' +
        '\nthe other side compares them with what `wayleave trust enrol` shows there.',
    )
    .action(async (options: Options) => {
      refuseExisting(options.out);
      const places = ownRegion(options);
      const token = ownStatementText(places);
      if (token === undefined) {
        throw new CommandFailed(
          `${places.statement} is not there: sign our statement first with \`wayleave trust sign\`.`,
        );
      }
      const statement = await inForce(token, places);
      if (options.out !== undefined) writeNewFile(options.out, `${token}\n`);
      const fingerprint = fingerprintOf(statement.jwks.keys);
      const served = addressesOf(places);
      if (options.json) {
        const { wayleave_broker: broker } = statement.metadata;
        return io.print(
          JSON.stringify({ entity: statement.sub, broker, fingerprint, served, statement: token }),
        );
      }
      for (const line of summary(statement, fingerprint, served)) io.print(line);
    });
}

/** @throws CommandFailed: what neighbours would refuse is no invitation */
async function inForce(token: string, places: OwnPlaces): Promise<EntityStatement> {
  try {
    return await verifyStatement(token, ownFederationKeys(places), places.config.entity, Date.now());
  } catch (error) {
    if (!isWayleaveError(error)) throw error;
    throw new CommandFailed(
      `${places.statement} would be refused by every neighbour (${error.code}): sign one that is in force with our ` +
        'federation key.',
      1,
      { cause: error },
    );
  }
}

/** Where anybody can fetch it: where it says, or by our name (OpenID Federation 1.0, section 9); and at our own listener. */
function addressesOf({ config }: OwnPlaces): string[] {
  const { host, port } = config.listeners.statement;
  const path = '/.well-known/openid-federation';
  const said = `${config.statement_base ?? config.entity}${path}`;
  return [...new Set([said, `https://${host}:${port}${path}`])];
}

function summary(
  statement: EntityStatement,
  { hex, words }: Fingerprint,
  served: readonly string[],
): string[] {
  const { wayleave_broker: broker } = statement.metadata;
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const rows = [
    ['entity', statement.sub],
    ['region', `${broker.region}, ${broker.name}`],
    ['contact', broker.contact],
    ['sequence', `${broker.sequence}`],
    ['good', `${date(statement.iat)} to ${date(statement.exp)}`],
    ...endpointsIn(broker.endpoints).map((endpoint) => ['reached at', endpoint]),
    ...broker.tls.anchors.map((pem) => ['anchor', anchorWords(pem)]),
    ...keyRows('message key', broker.message_keys),
    ...keyRows('log key', broker.log_keys),
    ...keyRows('witness key', broker.witness_keys),
    ...broker.logs.map((log) => ['log', log]),
    ['sub-ICBs', broker.coverage.sub_icbs.join(' ')],
    ['organisations', broker.coverage.organisations.join(' ')],
    ...broker.records.map(({ id, name, offers }) => ['record', `${id}, ${name}: ${offers.join(' ')}`]),
    ...served.map((address) => ['served at', address]),
  ];
  return [
    ...columns(rows.map((row) => row.map(plain))),
    '',
    `fingerprint  ${words.join(' ')}`,
    `             ${groupedHex(hex)}`,
  ];
}

function keyRows(what: string, keys: readonly PublicJwk[]): string[][] {
  return keys.map(({ kid, alg }) => [what, `${kid} (${alg})`]);
}
