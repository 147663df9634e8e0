import type { X509Certificate } from 'node:crypto';
import { Command } from 'commander';

import { ownCertificates, type OwnCertificate } from '../../config/own-certificates.ts';
import { anchorWords } from '../../evidence/statement-changes.ts';
import { daysUntil } from '../../trust/expiry.ts';
import type { TlsRole } from '../../trust/key-pair-files.ts';
import type { Io } from '../io.ts';
import { withLinks } from './open-links.ts';
import { forRole, ownRegion, withOwnRegion } from '../own-region.ts';
import { listedAnchors, signedStatement } from '../present-statement.ts';
import { askReadiness, KNOW_OUR_STATEMENT, readinessJson, readinessLines } from './ready-neighbours.ts';
import type { RegionOptions } from '../region-config.ts';
import { plain } from '../subcommand.ts';

interface Options extends RegionOptions {
  readonly for?: TlsRole;
  readonly json?: true;
}

export function tlsStatusCommand(io: Io): Command {
  return withOwnRegion(new Command('status'))
    .description(
      'Show our authorities, our certificates, and who has our newest statement. Nothing is written.',
    )
    .addOption(forRole())
    .option('--json', 'print it as JSON')
    .action(async (options: Options) => {
      const places = ownRegion(options);
      const statement = await signedStatement(places);
      const { sequence } = statement.metadata.wayleave_broker;
      const listed = listedAnchors(statement);
      const all = ownCertificates(places, listed);
      const shown = all.filter(({ role }) => options.for === undefined || role === options.for);
      const authorities = listed.map((authority) => ({ authority, usedBy: usersOf(authority, all) }));
      const next = nextLines(authorities, shown);
      const ask = () => withLinks(options, (links) => askReadiness(links, KNOW_OUR_STATEMENT));
      if (options.json) {
        const neighbours = readinessJson(await ask());
        const certificates = shown.map(certificateJson);
        const said = { sequence, authorities: authorities.map(authorityJson) };
        return io.print(JSON.stringify({ statement: said, certificates, neighbours, next }));
      }
      io.print(`Statement ${sequence} in place lists:`);
      for (const { authority, usedBy } of authorities)
        io.print(`  ${plain(anchorWords(authority.toString()))} (${usedBy.join(' and ') || 'not used'})`);
      for (const line of shown.map(certificateLine)) io.print(line);
      for (const line of [...readinessLines(await ask()), ...next]) io.print(line);
    });
}

interface Listed {
  readonly authority: X509Certificate;
  /** Which of our certificates lead to it. */
  readonly usedBy: readonly TlsRole[];
}

function usersOf(authority: X509Certificate, all: readonly OwnCertificate[]): TlsRole[] {
  return all.filter(({ authorities }) => authorities.includes(authority)).map(({ role }) => role);
}

function authorityJson({ authority, usedBy }: Listed): object {
  const { subject, fingerprint256, validToDate } = authority;
  return { subject: oneLine(subject), sha256: fingerprint256, validUntil: validToDate.toISOString(), usedBy };
}

function certificateJson({ role, leaf, authorities, nextKey, formerPair }: OwnCertificate): object {
  return {
    role,
    ...(leaf === undefined ? {} : { subject: oneLine(leaf.subject), ...endOf(leaf) }),
    authorities: authorities.map(({ fingerprint256 }) => fingerprint256),
    ...{ nextKey, formerPair },
  };
}

function certificateLine({ role, leaf, authorities, nextKey, formerPair }: OwnCertificate): string {
  const waits = nextKey ? '; a next key waits for its certificate' : '';
  const former = formerPair ? '; the former pair is kept' : '';
  if (leaf === undefined) return `${role}: no certificate is in place${waits}`;
  const { validUntil, daysLeft } = endOf(leaf);
  const issuer =
    authorities.length === 0 ? 'of NO authority that is listed' : 'of an authority that is listed';
  return `${role}: ${oneLine(leaf.subject)}, ${issuer}, until ${validUntil} (${daysLeft} days)${waits}${former}`;
}

function endOf({ validToDate }: X509Certificate): { validUntil: string; daysLeft: number } {
  return { validUntil: validToDate.toISOString(), daysLeft: daysUntil(validToDate.getTime(), Date.now()) };
}

const COMMAND = 'wayleave trust rotate tls';

function nextLines(authorities: readonly Listed[], certificates: readonly OwnCertificate[]): string[] {
  const waiting = certificates
    .filter(({ nextKey }) => nextKey)
    .map(({ role }) => `When its certificate has come: \`${COMMAND} activate FILE --for ${role}\`.`);
  const unused = authorities
    .filter(({ usedBy }) => usedBy.length === 0)
    .map(
      ({ authority: { subject, fingerprint256 } }) =>
        `No certificate of ours is of ${oneLine(subject)}: move to it with \`${COMMAND} activate\`, or take it out ` +
        `with \`${COMMAND} retire --anchor ${fingerprint256}\`.`,
    );
  const lines = [...waiting, ...unused];
  return lines.length > 0 ? lines : [`No rotation is under way. One begins with \`${COMMAND} prepare\`.`];
}

function oneLine(name: string): string {
  return plain(name.replaceAll('\n', ', '));
}
