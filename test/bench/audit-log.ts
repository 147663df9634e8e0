import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';

import { AuditLog } from '../../src/audit/log.ts';
import { Keyring } from '../../src/audit/sealing.ts';
import { AuditTrail, type Asking } from '../../src/audit/trail.ts';
import { checkTail } from '../../src/audit/whole-log/check-tail.ts';
import { verifyLog } from '../../src/audit/whole-log/verify-log.ts';
import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import { orderedId } from '../../src/evidence/ordered-id.ts';
import { keyedDigest } from '../../src/evidence/seal.ts';
import type { Store } from '../../src/store/contracts.ts';
import { SIGNATURE_TYPE, verifierKey } from '../../src/tlog/note-keys.ts';
import type { PublicJwk } from '../../src/trust/entity-statement.ts';
import { quantile } from './audit-floor.ts';

export const ORIGIN = 'bench.wayleave.example/log/1';
const WRAPPING = new Keyring([randomBytes(32)]);
const DIGEST_KEY = createSecretKey(randomBytes(32));
const LOG_KEYS = generateKeyPairSync('ed25519');
const LOG_JWK = { ...LOG_KEYS.publicKey.export({ format: 'jwk' }), kid: 'log', alg: 'EdDSA' } as PublicJwk;
const digest = (value: string): string => keyedDigest(DIGEST_KEY, value);

const TOKEN = randomBytes(1_000).toString('base64url');
const RESOURCES = Array.from({ length: 6 }, (_, at) => ({
  record: 'bench-record',
  resource: `Condition/${at}`,
  version: '1',
  digest: randomBytes(32).toString('base64url'),
}));
const PATIENTS = 100_000;
const USERS = 500;
const ORGANISATIONS = 90;

function logOf(store: Store): AuditLog {
  return new AuditLog({
    ...{ store: store.log, origin: ORIGIN, keyring: WRAPPING },
    ...{ digest, now: Date.now },
  });
}

function asking(): Asking {
  const one = (of: number): number => Math.floor(Math.random() * of);
  return {
    exchange: orderedId(Date.now()),
    nhsNumber: String(9_990_000_000 + one(PATIENTS)),
    user: `https://fhir.nhs.uk/Id/sds-user-id|${555_000_000_000 + one(USERS)}`,
    organisation: `R${10 + one(ORGANISATIONS)}`,
    ...{ role: 'R8000', purpose: 'directcare', relationship: 'registered' },
  };
}

/** What a responder writes for one query: received and spent, then answered; both tokens sealed. */
async function exchange(trail: AuditTrail): Promise<number> {
  const who = asking();
  const started = performance.now();
  const said = randomBytes(32).toString('base64url');
  const query = {
    ...{ token: TOKEN, digest: said },
    ...{ issuer: 'https://a.example', keepUntil: Date.now() + 150_000 },
  };
  await trail.queryReceived(who, 'london', query);
  const told = { outcome: 'answered', count: RESOURCES.length, resources: RESOURCES, agreement: '2026-04' };
  await trail.queryAnswered(who, 'london', { ...told, response: { token: TOKEN, digest: said } });
  return performance.now() - started;
}

export interface Appended {
  readonly concurrent: number;
  readonly perSecond: number;
  /** Microseconds of processor time that this process spent on an entry: what others do on the machine is not in it. */
  readonly cpuUs: number;
  /** What the log adds to one query: two steps, each durable. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Queries for so long, so many at once. */
export async function appendAtOnce(store: Store, concurrent: number, forMs: number): Promise<Appended> {
  const trail = new AuditTrail(logOf(store), store.log, Date.now);
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const until = performance.now() + forMs;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) times.push(await exchange(trail));
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return {
    concurrent,
    perSecond: ((times.length * 2) / forMs) * 1000,
    cpuUs: microsecondsSince(cpu) / (times.length * 2),
    ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) },
  };
}

export interface Verified {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** `wayleave audit verify`, without or with what is sealed: the quickest of three. */
export async function verified(store: Store, sealed: boolean): Promise<Verified> {
  const keys = [verifierKey(ORIGIN, SIGNATURE_TYPE.ed25519, LOG_KEYS.publicKey)];
  const settings = { log: logOf(store), store: store.log, checkpoints: store.checkpoints, keys, digest };
  const runs: Verified[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    const { verified: entries, fault } = await verifyLog(settings, { sealed });
    if (fault !== undefined) throw new Error(fault.says);
    const perSecond = (entries / (performance.now() - started)) * 1000;
    runs.push({ perSecond, cpuUs: microsecondsSince(cpu) / entries });
  }
  return runs.reduce((best, one) => (one.perSecond > best.perSecond ? one : best));
}

function microsecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Signs the head, writes some entries more, and so leaves a log as a broker finds it that starts. */
export async function leaveTail(store: Store): Promise<void> {
  const { log, checkpoints } = store;
  await new Checkpoints({ log, checkpoints, origin: ORIGIN, key: LOG_KEYS.privateKey, now: Date.now }).sign();
  const trail = new AuditTrail(logOf(store), log, Date.now);
  await Promise.all(Array.from({ length: 250 }, () => exchange(trail)));
}

/** What a broker does with its log before it takes a request. @returns milliseconds */
export async function startMs(open: () => Promise<Store>): Promise<number> {
  const started = performance.now();
  const store = await open();
  await checkTail(logOf(store), store, [LOG_JWK]);
  const took = performance.now() - started;
  await store.close();
  return took;
}

/** An index's values for small entries without sealed values, that a search has something to choose from. */
export function smallEntry(nth: number, at: number) {
  const id = orderedId(at);
  const about = asking();
  const event = nth % 2 === 0 ? 'query-received' : 'query-answered';
  return {
    ...{ at, event, exchange: id },
    facts: `"at":${at},"event":"${event}","exchange":"${id}","region":"london","jti":"${id}"`,
    index: {
      region: 'london',
      jti: id,
      patient: digestOf('p', about.nhsNumber ?? ''),
      user: digestOf('u', about.user ?? ''),
      organisation: about.organisation,
      outcome: nth % 2 === 0 ? undefined : 'answered',
    },
  };
}

const digests = new Map<string, string>();

function digestOf(kind: string, value: string): string {
  const known = digests.get(kind + value);
  if (known !== undefined) return known;
  const made = digest(value);
  digests.set(kind + value, made);
  return made;
}

export interface Searched {
  readonly by: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Searches for the newest fifty, each time for another value. @param span of time that the entries cover */
export async function searches(store: Store, span: { from: number; to: number }): Promise<Searched[]> {
  const turns = 300;
  const by = {
    patient: () => ({ ...span, patients: [digest(asking().nhsNumber ?? '')] }),
    user: () => ({ ...span, user: digest(asking().user ?? '') }),
    organisation: () => ({ ...span, organisation: asking().organisation }),
    time: () => {
      const from = Math.floor(span.from + Math.random() * (span.to - span.from));
      return { from, to: from + 3_600_000 };
    },
  };
  const found: Searched[] = [];
  for (const [name, make] of Object.entries(by)) {
    const times: number[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      const search = make();
      const started = performance.now();
      await store.log.search({ ...search, limit: 50 });
      times.push(performance.now() - started);
    }
    found.push({ by: name, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) });
  }
  return found;
}
