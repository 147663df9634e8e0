import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { readNamed } from '../../src/config/read-files.ts';
import { configuredTracing, tracingForm, type ConfiguredTracing } from '../../src/config/trace-export.ts';
import { StartError } from '../../src/errors.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';

const SOURCE = '/etc/wayleave/london.yaml';
const URL = 'https://collector.example:4318/v1/traces';

describe('the setting tracing', () => {
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-tracing-'));
    const authority = await issueAuthority({ name: 'Collectors', ...authorityValidity(new Date()) });
    const own = await issueLeaf(authority, {
      ...{ commonName: 'broker', uri: 'https://london.wayleave.example', usage: 'client' },
      ...leafValidity(new Date()),
    });
    const files = { 'anchors.pem': authority.certificate, 'own.pem': own.certificate, 'own.key': own.key };
    for (const [name, text] of Object.entries({ ...files, 'text.pem': 'our-secret' }))
      writeFileSync(join(directory, name), text, { mode: 0o600 });
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const near = (name: string): string => resolve(directory, name);
  const configured = (tracing?: object): ConfiguredTracing | undefined =>
    configuredTracing(tracing && tracingForm.parse(tracing), {
      ...{ source: SOURCE, near },
      text: (setting, name) => readNamed(SOURCE, setting, near(name)),
    });

  it('is off where it is not written', () => {
    assert.equal(configured(), undefined);
  });

  it('needs an address alone, and has bounds for all else', () => {
    const { ratio, tracesPerSecond, queueSpans, anchors, own } = configured({ otlp: URL }) ?? assert.fail();
    assert.deepEqual(
      [ratio, tracesPerSecond, queueSpans, anchors, own],
      [0.1, 50, 4_096, undefined, undefined],
    );
    const named = configured({ otlp: URL, anchors: 'anchors.pem', certificate: 'own.pem', key: 'own.key' });
    assert.match(named?.own?.key ?? '', /PRIVATE KEY/);
  });

  it('is refused with a sentence that says what to do, and quotes no file', () => {
    const told = (tracing: object, pattern: RegExp): void =>
      assert.throws(
        () => configured({ otlp: URL, ...tracing }),
        (error) =>
          error instanceof StartError && pattern.test(error.message) && !error.message.includes('our-secret'),
      );
    told({ anchors: 'text.pem' }, /tracing\.anchors names a file without a certificate/);
    told({ certificate: 'own.pem' }, /tracing\.key is missing/);
    told({ certificate: 'own.pem', key: 'text.pem' }, /tracing\.key names no private key/);
    told({ otlp: 'http://127.0.0.1:4318/v1/traces', anchors: 'anchors.pem' }, /tracing\.otlp has no TLS/);
    for (const wrong of [
      { otlp: 'ftp://x' },
      { otlp: URL, ratio: 2 },
      { otlp: URL, queue_spans: 0 },
      { otlp: URL, x: 1 },
    ])
      assert.ok(!tracingForm.safeParse(wrong).success, JSON.stringify(wrong));
  });
});
