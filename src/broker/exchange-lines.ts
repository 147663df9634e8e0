import type { Log } from '../log.ts';
import type { EndedSpan } from '../span.ts';

/** One line for each exchange when it is over, at either end: codes, ids and milliseconds. No patient and no person is in it. */
export function exchangeLines(log: Log): (span: EndedSpan) => void {
  return (span) => {
    const { name, facts, traceId: trace } = span;
    const head = { trace, ms: Math.round(span.ms) };
    if (name === 'viewer-request') {
      const { exchange, viewer, status, outcome } = facts;
      log.info({ exchange, viewer, status, outcome, regions: regionsIn(span), ...head }, 'viewer request');
    } else if (name === 'neighbour-request') {
      const { exchange, region: neighbour, message, status, outcome, reason } = facts;
      const told = { exchange, neighbour, message, status, outcome, reason };
      log.info({ ...told, records: recordsIn(span), ...head }, 'neighbour request');
    }
  };
}

function regionsIn({ parts = [] }: EndedSpan): Readonly<Record<string, string>> {
  return outcomesOf(
    parts.flatMap(({ name, facts, ms }) =>
      name === 'ask-region' ? [[facts.region, facts, ms] as const] : [],
    ),
  );
}

function recordsIn({ parts = [] }: EndedSpan): Readonly<Record<string, string>> {
  return outcomesOf(
    parts.flatMap(({ name, facts, ms }) => (name === 'record' ? [[facts.record, facts, ms] as const] : [])),
  );
}

type Told = readonly [
  string | undefined,
  { readonly outcome?: string | undefined; readonly reason?: string | undefined },
  number,
];

/** What each gave, why not, and after how long; the last word of one that was asked several times. */
function outcomesOf(told: readonly Told[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    told.map(([who, { outcome, reason }, ms]) => [
      who ?? '',
      [outcome ?? 'failed', ...(reason === undefined ? [] : [reason]), `${Math.round(ms)}ms`].join(' '),
    ]),
  );
}
