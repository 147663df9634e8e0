import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{19}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({
    arrayValue: z.strictObject({ values: z.array(z.strictObject({ stringValue: z.string() })) }),
  }),
]);
const attributes = z.array(z.strictObject({ key: z.string(), value }));

/** `ExportTraceServiceRequest` of OTLP 1.x as JSON, as far as a broker sends it, and nothing besides. */
const requestForm = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string() }),
          spans: z.array(
            z.strictObject({
              traceId: hex(32),
              spanId: hex(16),
              parentSpanId: hex(16).optional(),
              name: z.string().min(1),
              kind: z.int().min(1).max(5),
              flags: z.int().min(0),
              startTimeUnixNano: nanoseconds,
              endTimeUnixNano: nanoseconds,
              attributes,
              status: z.strictObject({ code: z.int().min(0).max(2).optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

export interface ReceivedSpan {
  readonly region: unknown;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly startedNs: bigint;
  readonly endedNs: bigint;
}

/** A receiver of traces of a test: reads what it gets by the form of OTLP, and keeps it. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that came, headers included, as it came. */
  readonly raw: string[] = [];
  status = 200;
  readonly #server = createServer((request, response) => {
    void textOf(request).then((text) => {
      this.raw.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}\n${text}`);
      if (this.status === 200) this.#take(request, text);
      response.writeHead(this.status, { 'Content-Type': 'application/json' }).end('{"partialSuccess":{}}');
    });
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((done) => receiver.#server.listen(0, '127.0.0.1', done));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #take({ method, headers }: IncomingMessage, text: string): void {
    assert.deepEqual([method, headers['content-type']], ['POST', 'application/json']);
    for (const { resource, scopeSpans } of requestForm.parse(JSON.parse(text)).resourceSpans) {
      const region = factsOf(resource.attributes)['wayleave.region'];
      for (const { attributes: own, startTimeUnixNano, endTimeUnixNano, ...span } of scopeSpans.flatMap(
        ({ spans }) => spans,
      )) {
        const times = { startedNs: BigInt(startTimeUnixNano), endedNs: BigInt(endTimeUnixNano) };
        this.spans.push({ ...span, ...times, region, facts: factsOf(own) });
      }
    }
  }
}

function factsOf(own: z.infer<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(own.map(({ key, value: one }) => [key, plain(one)]));
}

function plain(one: z.infer<typeof value>): unknown {
  if ('arrayValue' in one) return one.arrayValue.values.map(({ stringValue }) => stringValue);
  return Object.values(one)[0];
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
