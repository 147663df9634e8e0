import { z } from 'zod';

import type { LogStore, Store } from '../../store/contracts.ts';
import { EVENTS, leafOf } from '../entry.ts';
import { notLookedAt, wholeFrom } from './not-looked-at.ts';
import { newestFirst, walk } from '../walk.ts';

/** What one entry says openly of an exchange between two regions: no value that is sealed, and no commitment. */
const exportedEntry = z.object({
  log: z.string(),
  seq: z.int().min(0),
  at: z.int(),
  event: z.enum(EVENTS),
  exchange: z.string(),
  region: z.string().optional(),
  jti: z.string().optional(),
  outcome: z.string().optional(),
  reason: z.string().optional(),
  fault: z.string().optional(),
  query_digest: z.string().optional(),
  response_digest: z.string().optional(),
});
export type ExportedEntry = z.infer<typeof exportedEntry>;

const exportHead = z.object({
  wayleave_audit_export: z.literal(1),
  /** Whose logs. */
  region: z.string(),
  /** The one other region that it is about; absent: all. */
  with: z.string().optional(),
  from: z.int(),
  /** Nothing that was written after the export began is in it. */
  to: z.int(),
  /** Where more was asked for: what was written up to there is archived, and `from` comes after it. */
  archived_until: z.int().optional(),
});
export type ExportHead = z.infer<typeof exportHead>;

/** One region's part of a comparison: a head, and entries newest first. */
export interface LogExtract {
  readonly head: ExportHead;
  readonly entries: AsyncIterable<ExportedEntry>;
}

/** Not such a file, or not in its order. The message says where. */
export class MalformedExport extends Error {
  override readonly name = 'MalformedExport';
}

/** What a region's logs hold of its exchanges with another, read in pages; with which works were interrupted. */
export function extractFrom(
  store: Pick<LogStore, 'search'>,
  head: Omit<ExportHead, 'wayleave_audit_export'>,
  pageSize?: number,
): LogExtract {
  const { from, to, with: other } = head;
  const read = async function* (search: { region?: string; event?: string }) {
    for await (const entry of walk(store, { from, to, ...search }, pageSize)) {
      yield exportedEntry.parse({ ...leafOf(entry), log: entry.log });
    }
  };
  // An interruption names no region: it is told by its exchange.
  const entries =
    other === undefined ? read({}) : newestFirst(read({ region: other }), read({ event: 'interrupted' }));
  return { head: { wayleave_audit_export: 1, ...head }, entries };
}

/** A log was pruned while it was read: what was read may lack entries. */
export class PrunedMeanwhile extends Error {
  override readonly name = 'PrunedMeanwhile';
}

/**
 * The same of a store whose logs' beginnings may be archived: it begins after the last entry that is not here, so that
 * what it lacks is never taken for what did not happen.
 *
 * @throws PrunedMeanwhile, from `entries`
 */
export async function wholeExtractFrom(
  { log, archive }: Pick<Store, 'log' | 'archive'>,
  head: Omit<ExportHead, 'wayleave_audit_export' | 'archived_until'>,
): Promise<LogExtract> {
  const from = wholeFrom(head.from, await notLookedAt(archive, head));
  const extract = extractFrom(log, {
    ...head,
    ...(from === head.from ? {} : { from, archived_until: from }),
  });
  const entries = async function* (): AsyncGenerator<ExportedEntry, void, undefined> {
    yield* extract.entries;
    if (wholeFrom(from, await notLookedAt(archive, head)) > from) throw new PrunedMeanwhile();
  };
  return { head: extract.head, entries: entries() };
}

/** NDJSON: the head, then one entry a line, newest first. */
export async function* exportLines({ head, entries }: LogExtract): AsyncGenerator<string, void, undefined> {
  yield `${JSON.stringify(head)}\n`;
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}

/**
 * Reads what `exportLines` wrote, of which no more than a line is in memory.
 *
 * @param chunks UTF-8 text
 * @throws MalformedExport; from `entries` too, at the line that is wrong
 */
export async function readExport(chunks: AsyncIterable<string>): Promise<LogExtract> {
  const lines = linesOf(chunks);
  const first = await lines.next();
  const head = exportHead.safeParse(parseJson(first.done === true ? '' : first.value));
  if (!head.success) throw new MalformedExport('its first line is not the head of an export');
  return { head: head.data, entries: entriesOf(lines) };
}

async function* entriesOf(lines: AsyncIterable<string>): AsyncGenerator<ExportedEntry, void, undefined> {
  let number = 1;
  let latest = Infinity;
  for await (const line of lines) {
    number += 1;
    const entry = exportedEntry.safeParse(parseJson(line));
    if (!entry.success) throw new MalformedExport(`line ${number} is no entry`);
    if (entry.data.at > latest) throw new MalformedExport(`line ${number} is newer than the line before it`);
    latest = entry.data.at;
    yield entry.data;
  }
}

const LONGEST_LINE = 64 * 1024;

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new MalformedExport('a line is too long');
    yield* parts;
  }
  if (rest !== '') yield rest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
