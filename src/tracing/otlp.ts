import type { EndedSpan, SpanName } from '../span.ts';

/** Who sends. */
export interface Sending {
  readonly region: string;
  readonly replica: string;
}

type Value = { stringValue: string } | { intValue: string } | { boolValue: boolean } | { arrayValue: object };

/** `Span.SpanKind` of OTLP: internal where it is not said. */
const KINDS: Partial<Record<SpanName, number>> = {
  ...{ 'viewer-request': 2, 'neighbour-request': 2 },
  ...{ 'ask-region': 3, locate: 3 },
};
const INTERNAL = 1;
const ERROR = 2;
/** After these somebody should look. */
const ERRORS: ReadonlySet<unknown> = new Set(['failed', 'not-reached']);

/** `ExportTraceServiceRequest` as JSON (OTLP 1.x, "JSON Protobuf Encoding"): ids in hexadecimal, 64-bit numbers as text. */
export function otlpRequest(spans: readonly EndedSpan[], { region, replica }: Sending): string {
  const resource = {
    ...{ 'service.name': 'wayleave', 'service.instance.id': `${region}/${replica}` },
    'wayleave.region': region,
  };
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource, '') },
        scopeSpans: [{ scope: { name: 'wayleave' }, spans: spans.map(toOtlp) }],
      },
    ],
  });
}

function toOtlp({ name, facts, traceId, spanId, parentId, startedAt, ms, parts }: EndedSpan): object {
  const { outcome } = facts as { outcome?: unknown };
  const isError = facts.fault !== undefined || ERRORS.has(outcome);
  return {
    ...{ traceId, spanId },
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    ...{ name, kind: KINDS[name] ?? INTERNAL },
    // Bits 8 and 9 say whether the parent is of another process.
    flags: 0x101 | (parts !== undefined && parentId !== undefined ? 0x200 : 0),
    ...{ startTimeUnixNano: nanoseconds(startedAt), endTimeUnixNano: nanoseconds(startedAt + ms) },
    attributes: attributesOf(facts, 'wayleave.'),
    status: isError ? { code: ERROR } : {},
  };
}

function attributesOf(facts: object, prefix: string): object[] {
  return Object.entries(facts).flatMap(([key, fact]) => {
    const value = valueOf(fact);
    return value === undefined ? [] : [{ key: `${prefix}${key}`, value }];
  });
}

function valueOf(fact: unknown): Value | undefined {
  if (typeof fact === 'string') return { stringValue: fact };
  if (typeof fact === 'number') return { intValue: String(Math.round(fact)) };
  if (typeof fact === 'boolean') return { boolValue: fact };
  if (Array.isArray(fact)) return { arrayValue: { values: fact.map((one) => valueOf(one)) } };
  return undefined;
}

/** Microseconds are what a double still tells apart today. @param at milliseconds since the epoch */
function nanoseconds(at: number): string {
  return String(BigInt(Math.round(at * 1000)) * 1000n);
}
