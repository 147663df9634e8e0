import type { PinnedNeighbour } from '../config/load.ts';
import { EvidenceError } from '../errors.ts';
import { verifyStatement } from '../evidence/statement.ts';
import type { StatementStore } from '../store/contracts.ts';

/**
 * The neighbours that the configuration pins; where a crash has cut the file of a statement, the newest that we relied on
 * and that the pinned federation keys have signed stands in.
 *
 * @param kept every statement that this region relied on
 * @returns `cut`: the regions for which one stands in
 */
export async function withWholeStatements(
  files: readonly PinnedNeighbour[],
  kept: Pick<StatementStore, 'of'>,
  at: number,
): Promise<{ readonly files: readonly PinnedNeighbour[]; readonly cut: readonly string[] }> {
  const cut: string[] = [];
  const whole = files.map(async (file) => {
    if (!(await isCut(file, at))) return file;
    for (const { token } of await kept.of(file.entity)) {
      if (!(await isGood(token, file, at))) continue;
      cut.push(file.region);
      return { ...file, statementToken: token };
    }
    return file;
  });
  return { files: await Promise.all(whole), cut };
}

/** Not whole: everything else that is wrong with it is somebody's to mend. */
async function isCut(file: PinnedNeighbour, at: number): Promise<boolean> {
  const code = await faultOf(file.statementToken, file, at);
  return code === 'malformed' || code === 'bad-signature';
}

async function isGood(token: string, file: PinnedNeighbour, at: number): Promise<boolean> {
  return (await faultOf(token, file, at)) === undefined;
}

async function faultOf(token: string, file: PinnedNeighbour, at: number): Promise<string | undefined> {
  try {
    const { metadata } = await verifyStatement(token.trim(), file.federationKeys, file.entity, at);
    return metadata.wayleave_broker.region === file.region ? undefined : 'wrong-issuer';
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return error.code;
  }
}
