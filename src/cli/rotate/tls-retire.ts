import type { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Command } from 'commander';

import { openSecrets } from '../../config/open-secrets.ts';
import { anchorWords } from '../../evidence/statement-changes.ts';
import type { EntityStatement } from '../../trust/entity-statement.ts';
import { byFingerprint } from '../../trust/own-authorities.ts';
import { judgeOwn, ourselves } from '../../upstream/check/own-certificate.ts';
import { assertBrokerFollows } from './broker-follows.ts';
import { authoritiesIn } from '../certificates-in.ts';
import { CommandFailed, INCOMPLETE, type Io } from '../io.ts';
import { refuseExisting } from '../new-file.ts';
import { ownRegion, withOwnRegion } from '../own-region.ts';
import { listedAnchors, signedStatement } from '../present-statement.ts';
import { regionConfig, type RegionOptions } from '../region-config.ts';
import { claimsJson, claimsLine, collectClaims, writeClaims } from '../statement-claims.ts';
import { plain } from '../subcommand.ts';

interface Options extends RegionOptions {
  readonly anchor: string;
  readonly out: string;
  readonly json?: true;
}

export function tlsRetireCommand(io: Io): Command {
  return withOwnRegion(new Command('retire'))
    .description('Leave an authority that none of our certificates needs out of our statement.')
    .requiredOption('--anchor <authority>', 'its certificate, or its SHA-256 fingerprint in hexadecimal')
    .requiredOption(
      '--out <file>',
      'where to write the claims of a statement without it; they hold nothing secret',
    )
    .option('--json', 'print what was collected as JSON')
    .addHelpText(
      'after',
      '\nNeighbours take it out when an officer of theirs has approved the statement. The former pairs (*.former.pem) stay' +
        '\nuntil the next certificate takes their place.' +
        '\nExit codes: 0 written; 1 not done; 2 called wrongly; 3 not yet: a certificate of ours needs it.',
    )
    .action(async (options: Options) => {
      const { anchor, out } = options;
      refuseExisting(out);
      const places = ownRegion(options);
      const present = await signedStatement(places);
      const going = theOneThatGoes(present, anchor);
      const left = listedAnchors(present).filter(
        ({ fingerprint256 }) => fingerprint256 !== going.fingerprint256,
      );
      if (left.length === 0) {
        throw new CommandFailed('It is the only authority that our statement lists: list another first.');
      }
      await assertNotNeeded(options, present, left);
      const notAsked = await assertBrokerFollows(options);
      const claims = await collectClaims(places, out, { present, anchors: left });
      writeClaims(claims);
      const retires = going.fingerprint256;
      if (options.json) return io.print(JSON.stringify({ retires, ...claimsJson(claims), notAsked }));
      for (const line of [...notAsked, claimsLine(claims)]) io.print(line);
      io.print(`It no longer lists ${plain(anchorWords(going.toString()))}.`);
      io.print('Put the statement in place. An officer of each neighbour must approve it.');
    });
}

function theOneThatGoes(present: EntityStatement, named: string): X509Certificate {
  const listed = listedAnchors(present);
  const [given] = existsSync(named) ? authoritiesIn([named]) : [];
  const found = byFingerprint(listed, given?.fingerprint256 ?? named);
  if (found !== undefined) return found;
  const { sequence } = present.metadata.wayleave_broker;
  const names = listed.map((one) => anchorWords(one.toString())).join('; ');
  throw new CommandFailed(
    `Statement ${sequence} in place does not list that authority: it lists ${plain(names)}.`,
  );
}

/** Both of our certificates, as a neighbour judges them that has the statement without the authority. */
async function assertNotNeeded(
  options: RegionOptions,
  { metadata: { wayleave_broker: broker } }: EntityStatement,
  left: readonly X509Certificate[],
): Promise<void> {
  const config = regionConfig(options);
  const secrets = await openSecrets(config);
  const tls = { ...broker.tls, anchors: left.map(String) };
  const self = ourselves(config.entity, { ...broker, tls });
  const pairs = {
    server: { certificate: config.serverCertificate, key: secrets.tlsServerKey },
    client: { certificate: config.clientCertificate, key: secrets.tlsClientKey },
  };
  for (const role of ['server', 'client'] as const) {
    const { fault } = judgeOwn(pairs[role], self, role, Date.now());
    if (fault === undefined) continue;
    throw new CommandFailed(
      `Neighbours would refuse our ${role} certificate without that authority (${fault.code}): move it to another with ` +
        `\`wayleave trust rotate tls activate FILE --for ${role}\` first.`,
      INCOMPLETE,
    );
  }
}
