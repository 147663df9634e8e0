import { z } from 'zod';

import { claimedOrigin, cosignaturesOf, openCheckpoint, type Witness } from '../../tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../tlog/merkle.ts';
import { SIGNATURE_TYPE } from '../../tlog/note-keys.ts';
import { readLeafText, type ProvedEntry } from './proved-entry.ts';
import { checkpointKeys, listsLog, type SelfSignedRegion } from './statements.ts';
import { codeOf, failed, notChecked, ok, type Step } from './verdict.ts';

/** What an asker keeps of the proof that the other region's own log holds the answer. */
const proofForm = z.object({
  leaf: z.string(),
  index: z.int().nonnegative(),
  proof: z.array(z.string()),
  checkpoint: z.string(),
});

/** For each believed response: that the responder's own log holds it, where the asker fetched the proof of that. */
export async function verifyOtherLogs(
  entries: readonly ProvedEntry[],
  regions: readonly SelfSignedRegion[],
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const response of entries) {
    const { leaf, sequence } = response;
    if (leaf.event !== 'response-believed') continue;
    const kept = entries.find(
      (one) =>
        one.leaf.event === 'inclusion-proved' && one.leaf.jti === leaf.jti && one.leaf.region === leaf.region,
    );
    const about = `entry ${sequence}: that the log of ${leaf.region} holds this response`;
    steps.push(
      kept === undefined
        ? notChecked('other-log', `${about} is not proved here: its own evidence file can prove it`, sequence)
        : await otherLogStep(about, response, kept, regions),
    );
  }
  return steps;
}

async function otherLogStep(
  about: string,
  response: ProvedEntry,
  kept: ProvedEntry,
  regions: readonly SelfSignedRegion[],
): Promise<Step> {
  const owner = regions.find(({ region }) => region === kept.leaf.region);
  const proof = proofForm.safeParse(kept.leaf['detail']);
  if (owner === undefined || !proof.success) {
    return failed('other-log', `${about}: the proof cannot be read`, kept.sequence);
  }
  const { leaf, index, checkpoint, proof: path } = proof.data;
  try {
    const origin = claimedOrigin(checkpoint);
    if (!listsLog(owner, origin)) throw new TypeError('another log');
    const keys = await checkpointKeys(origin, owner, regions);
    const own = keys.filter(({ type }) => type === SIGNATURE_TYPE.ed25519).map(({ publicKey }) => publicKey);
    const { size, root } = openCheckpoint(checkpoint, { origin, keys: own });
    const said = readLeafText(leaf);
    const isIt =
      said?.jti === response.leaf.jti && said?.['response_digest'] === response.leaf.response_digest;
    const hashes = path.map((hash) => Buffer.from(hash, 'base64'));
    if (!isIt || !verifyInclusion(leafHash(Buffer.from(leaf)), index, size, hashes, root)) {
      return failed('other-log', `${about}: the proof is not of it`, kept.sequence);
    }
    const witnesses = keys
      .filter(({ type }) => type === SIGNATURE_TYPE.cosignature)
      .map(({ name, publicKey }): Witness => ({ name, key: publicKey }));
    const cosigned = cosignaturesOf(checkpoint, witnesses).map(({ witness }) => witness);
    const by = cosigned.length === 0 ? '' : `, cosigned by ${cosigned.join(' and ')}`;
    return ok('other-log', `${about} is proved by its checkpoint of ${size} entries${by}`, kept.sequence);
  } catch (error) {
    return failed('other-log', `${about}: ${codeOf(error)}`, kept.sequence);
  }
}
