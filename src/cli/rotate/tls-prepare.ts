import type { X509Certificate } from 'node:crypto';
import { Command } from 'commander';

import type { OwnPlaces } from '../../config/own-places.ts';
import { MOST_ANCHORS } from '../../trust/entity-statement.ts';
import type { TlsRole } from '../../trust/key-pair-files.ts';
import { judgeAuthority } from '../../trust/own-authorities.ts';
import { askAuthority, withAsking, type AskingOptions } from '../ask-authority.ts';
import { authoritiesIn } from '../certificates-in.ts';
import { CommandFailed, type Io } from '../io.ts';
import { refuseExisting } from '../new-file.ts';
import { forRole, ownRegion, withOwnRegion } from '../own-region.ts';
import { listedAnchors, signedStatement } from '../present-statement.ts';
import type { RegionOptions } from '../region-config.ts';
import { claimsJson, claimsLine, collectClaims, writeClaims } from '../statement-claims.ts';
import { gather } from '../subcommand.ts';

interface Options extends RegionOptions, AskingOptions {
  readonly for?: TlsRole;
  readonly anchor?: readonly string[];
}

export function tlsPrepareCommand(io: Io): Command {
  const command = withOwnRegion(new Command('prepare'))
    .description(
      'Begin with a new authority (--anchor), or with a new key under the authority in use (--for).',
    )
    .addOption(forRole())
    .option(
      '--anchor <file>',
      'an authority to be listed beside the present ones; may be given again',
      gather,
    );
  return withAsking(command, 'where to write the claims, or the request (default: print the request)')
    .addHelpText(
      'after',
      '\nWith --anchor: the claims of a statement that lists old and new. Neighbours take it when an officer of theirs has' +
        '\napproved it. Without: a request (PKCS#10) for a new key, which waits beside the present one; nothing is published.',
    )
    .action(async (options: Options) => {
      const places = ownRegion(options);
      if (options.anchor !== undefined) return listBeside(io, places, options.anchor, options);
      if (options.for === undefined) {
        throw new CommandFailed(
          'Say --for server or --for client for a new key, or --anchor for a new authority.',
          2,
        );
      }
      await askAuthority(io, places, options.for, options, true);
      if (options.json || options.out === undefined) return;
      io.print('Neighbours take its certificate without being asked: there is nothing to publish. Then:');
      io.print(`  wayleave trust rotate tls activate FILE --for ${options.for}`);
    });
}

async function listBeside(io: Io, places: OwnPlaces, files: readonly string[], { out, json }: Options) {
  if (out === undefined) throw new CommandFailed('Name a file for the claims with --out.', 2);
  refuseExisting(out);
  const present = await signedStatement(places);
  const listed = listedAnchors(present);
  const added = authoritiesIn(files).filter((one) => !isAmong(listed, one));
  for (const one of added) judgeAuthority(one, Date.now());
  const anchors = [...listed, ...added];
  const { sequence } = present.metadata.wayleave_broker;
  if (added.length === 0) {
    throw new CommandFailed(
      `Statement ${sequence} in place lists what --anchor names: there is nothing to add.`,
    );
  }
  if (anchors.length > MOST_ANCHORS) {
    throw new CommandFailed(
      `A statement lists ${MOST_ANCHORS} authorities at the most: retire one that is not used first.`,
    );
  }
  const claims = await collectClaims(places, out, { present, anchors });
  writeClaims(claims);
  if (json) return io.print(JSON.stringify(claimsJson(claims)));
  io.print(claimsLine(claims));
  io.print(
    'Put the statement in place. An officer of each neighbour must approve it (`wayleave trust approve`). Then:',
  );
  io.print('  wayleave trust rotate tls prepare --for server --out server.csr      # to the new authority');
  io.print('  wayleave trust rotate tls activate FILE --for server                 # what comes back');
}

function isAmong(some: readonly X509Certificate[], one: X509Certificate): boolean {
  return some.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256);
}
