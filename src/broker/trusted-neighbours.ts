import type { PinnedNeighbour } from '../config/load.ts';
import { enrolledNeighbour } from '../config/schema.ts';
import { neighbourFrom, type Decided, type Neighbour } from '../trust/neighbours.ts';
import type { Standing, Standings } from '../trust/standing.ts';

/** A neighbour as it stands now: what its file says, or its enrolment, with every decision since. */
export interface TrustedNeighbour extends PinnedNeighbour {
  readonly decided: Decided;
}

/**
 * The neighbours as they stand, those of the file first. One without a statement that a pinned key signed is left out: by
 * nothing could it be identified.
 */
export function trustedNeighbours(
  files: readonly PinnedNeighbour[],
  { neighbours }: Standings,
): TrustedNeighbour[] {
  return [...neighbours.values()].flatMap((standing) => {
    const file = files.find(({ region }) => region === standing.region);
    const { region, entity, federationKeys, anchors, signed, agreement } = standing;
    const settings =
      agreement === undefined ? file : { ...enrolledNeighbour.parse({ agreement }), crl: file?.crl };
    if (settings === undefined || signed === undefined) return [];
    const pinned = { region, entity, federationKeys, anchors, statementToken: signed.token };
    return [{ ...settings, ...pinned, decided: decidedOf(standing) }];
  });
}

/** As connections and messages are judged by. */
export function identities({ neighbours }: Standings): Neighbour[] {
  return [...neighbours.values()].flatMap((standing) =>
    standing.signed === undefined
      ? []
      : [neighbourFrom(standing.signed.statement, standing.anchors, decidedOf(standing))],
  );
}

function decidedOf({ revoked, revokedKeys, revokedCertificates, pausedUntil }: Standing): Decided {
  return {
    revoked: revoked !== undefined,
    revokedKeys: new Set(revokedKeys.keys()),
    revokedCertificates: new Set(revokedCertificates.keys()),
    pausedUntil,
  };
}
