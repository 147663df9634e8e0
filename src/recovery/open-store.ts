import type { Entry } from '../audit/entry.ts';
import type { AuditLog } from '../audit/log.ts';
import { newSuccessor } from '../audit/succession/chain.ts';
import { successionOf, type Decision, type LastWords } from '../audit/succession/succession.ts';
import { verifyLog } from '../audit/whole-log/verify-log.ts';
import type { Closed, Store, Succession } from '../store/contracts.ts';
import type { VerifierKey } from '../tlog/note-keys.ts';
import { placeAmong } from '../tlog/origin.ts';
import { highestOf, type Report } from './ask-neighbours.ts';
import { CommandRefused } from './refused.ts';

export interface OpenSettings {
  readonly store: Pick<Store, 'log' | 'checkpoints' | 'state'>;
  /** The log that this replica would write: it is where the opening is written down. */
  readonly log: AuditLog;
  /** Our logs and the sequence, as our own statement in the configuration has them. */
  readonly logs: readonly string[];
  readonly sequence: number;
  readonly keysOf: (origin: string) => Promise<readonly VerifierKey[]>;
  readonly reports: readonly Report[];
  /** Neighbours that are not heard on this: because they are not reached, or not believed. */
  readonly without: readonly string[];
  readonly decision: Decision;
  /** Who restored the store and why, where somebody did. */
  readonly restored: Decision | undefined;
  readonly now: () => number;
}

export interface OpenedStore {
  readonly openedAt: number;
  readonly logs: readonly { readonly log: string; readonly next: string; readonly words: LastWords }[];
}

/**
 * Opens a closed store: ends every log of it and begins the successor of each, whose first entry names what is
 * missing, keeps who opened it and what the neighbours said, and serves from then on; all in one step or nothing.
 *
 * @throws CommandRefused a sentence; HouseError of the store
 */
export async function openStoreAgain(settings: OpenSettings): Promise<OpenedStore> {
  const { store, log, reports, without, decision, now } = settings;
  const { closed } = await store.state.read();
  assertConfirmed(closed, settings);
  const heard = reports.filter(({ region }) => !without.includes(region));
  const ends = await endsOf(closed, heard, settings);
  const openedAt = now();
  const opened = openedEntry(closed, heard, settings);
  const successions = ends.map(({ log: ended, next, words }): Succession => {
    const more = ended.origin === log.origin ? [opened] : [];
    return successionOf(ended, next, words, decision, openedAt, more);
  });
  if (!(await store.state.open(openedAt, successions))) throw notClosed();
  return { openedAt, logs: ends.map(({ log: ended, next, words }) => ({ log: ended.origin, next, words })) };
}

function assertConfirmed(
  closed: Closed | undefined,
  { reports, without, sequence }: OpenSettings,
): asserts closed is Closed {
  if (closed === undefined) throw notClosed();
  if (closed.why === 'restoring') {
    throw new CommandRefused(
      'Half a backup is in the store: take it away, and run `wayleave restore` again.',
    );
  }
  const unknown = without.filter((region) => !reports.some((report) => report.region === region));
  if (unknown.length > 0)
    throw new CommandRefused(`--without ${unknown.join(' ')}: no such neighbour is configured.`);
  const heard = reports.filter(({ region }) => !without.includes(region));
  const silent = heard.filter(({ reached }) => !reached).map(({ region }) => region);
  if (silent.length > 0) {
    throw new CommandRefused(
      `Not reached: ${silent.join(', ')}. What they hold of our log is not known: wait for them, or write ` +
        `--without ${silent.join(' ')} to open all the same.`,
    );
  }
  const later = heard.flatMap((report) =>
    report.reached && (report.statement ?? 0) > sequence ? [`${report.region} has ${report.statement}`] : [],
  );
  if (later.length > 0) {
    throw new CommandRefused(
      `Our configuration is older than what the neighbours know: our statement has the sequence ${sequence}, and ` +
        `${later.join(', ')}. Put back the newest statement, keys and neighbours first, or a revocation is undone.`,
    );
  }
}

interface End {
  readonly log: AuditLog;
  readonly next: string;
  readonly words: LastWords;
}

async function endsOf(closed: Closed, heard: readonly Report[], settings: OpenSettings): Promise<End[]> {
  const { store, log, logs: listed, keysOf } = settings;
  const known = await store.log.logs();
  const open = known.filter(({ end }) => end === undefined).map((one) => one.log);
  const seen = [
    ...known.map((one) => one.log),
    ...heard.flatMap((report) => (report.reached ? report.notes.map(({ origin }) => origin) : [])),
  ];
  const ends: End[] = [];
  for (const origin of new Set([log.origin, ...open])) {
    const latest = await store.checkpoints.latest(origin);
    const looked = {
      log: log.of(origin),
      store: store.log,
      checkpoints: store.checkpoints,
      digest: () => '',
    };
    const from = latest?.size ?? 0;
    const { fault, checkpointed } = await verifyLog({ ...looked, keys: await keysOf(origin) }, { from });
    const highest = highestOf(heard, origin);
    const words: LastWords = {
      ...{ why: closed.why === 'behind' ? 'behind' : 'restored', fault },
      checkpoint: await store.checkpoints.latest(origin, checkpointed),
      highest: highest && { region: highest.region, size: highest.size, note: highest.note },
    };
    const base = placeAmong(origin, listed)?.listed ?? origin;
    ends.push({ log: log.of(origin), next: newSuccessor(base, seen), words });
  }
  return ends;
}

/** By name it tells nobody; what the neighbours said of us is in the open, signed, and for all to see. */
function openedEntry(closed: Closed, heard: readonly Report[], settings: OpenSettings): Entry {
  const { log, without, decision, restored, sequence } = settings;
  const { taken_at } = JSON.parse(closed.detail) as { taken_at?: string };
  const neighbours = heard.map((report) =>
    report.reached
      ? {
          ...{ region: report.region, statement: report.statement },
          notes: report.notes.map(({ origin, size }) => ({ origin, size })),
        }
      : { region: report.region },
  );
  const detail = { closed_since: closed.since, why: closed.why, taken_at, sequence, without, neighbours };
  return {
    ...{
      event: 'store-opened',
      exchange: `${log.origin} ${closed.since}`,
      facts: { reason: closed.why, detail },
    },
    sealed: {
      ...{ by: decision.by, reason: decision.reason },
      ...(restored === undefined ? {} : { restored_by: restored.by, restored_reason: restored.reason }),
    },
  };
}

function notClosed(): CommandRefused {
  return new CommandRefused('The store is not closed: there is nothing to open.');
}
