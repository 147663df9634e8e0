import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import { auditStream, configuredStreams, type ConfiguredStream } from '../../src/config/audit-streams.ts';
import { readNamed } from '../../src/config/read-files.ts';
import { StartError } from '../../src/errors.ts';
import { issueAuthority, issueLeaf } from '../../src/trust/issue.ts';

const SOURCE = '/etc/wayleave/london.yaml';

describe('the setting audit_streams', () => {
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-streams-'));
    const authority = await issueAuthority({ name: 'Siem authority', ...authorityValidity(new Date()) });
    const leaf = () =>
      issueLeaf(authority, {
        ...{ commonName: 'broker', uri: 'https://london.wayleave.example', usage: 'client' },
        ...leafValidity(new Date()),
      });
    const [own, other] = await Promise.all([leaf(), leaf()]);
    const put = (name: string, text: string): void =>
      writeFileSync(join(directory, name), text, { mode: 0o600 });
    put('anchors.pem', authority.certificate);
    put('own.pem', own.certificate);
    put('own.key', own.key);
    put('other.key', other.key);
    put('open.key', own.key);
    chmodSync(join(directory, 'open.key'), 0o640);
    put('empty.pem', '');
    put('text.pem', 'our-secret');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const near = (name: string): string => resolve(directory, name);
  const configured = (...streams: object[]): ConfiguredStream[] =>
    configuredStreams(
      streams.map((stream) => auditStream.parse(stream)),
      { source: SOURCE, near, text: (setting, name) => readNamed(SOURCE, setting, near(name)) },
    );
  const file = { id: 'file', kind: 'ndjson', file: 'audit.ndjson' };
  const siem = {
    id: 'siem',
    kind: 'syslog',
    host: '10.0.0.9',
    name: 'siem.example.nhs.uk',
    anchors: 'anchors.pem',
  };

  it('names files and receivers, with what they need and nothing more', () => {
    const [one, two, three] = configured(file, siem, {
      ...siem,
      id: 'other',
      certificate: 'own.pem',
      key: 'own.key',
      port: 6515,
      batch: 1,
      enterprise: 1,
    });
    assert.deepEqual(one, { kind: 'ndjson', id: 'file', file: near('audit.ndjson'), rotateBytes: undefined });
    assert.deepEqual(two, {
      ...{ kind: 'syslog', id: 'siem', host: '10.0.0.9', port: 6514, name: 'siem.example.nhs.uk' },
      ...{
        anchors: readFileSync(near('anchors.pem'), 'utf8'),
        own: undefined,
        batch: 100,
        messageBytes: 8000,
      },
      ...{ enterprise: 32473, timeoutMs: 30_000 },
    });
    assert.ok(three?.kind === 'syslog' && three.own?.key.includes('PRIVATE KEY'));
  });

  const WRONG: Record<string, [streams: object[], ...named: string[]]> = {
    'two of one id': [[file, { ...siem, id: 'file' }], 'audit_streams', 'id'],
    'two of one file': [[file, { ...file, id: 'other', file: './audit.ndjson' }], 'audit_streams', 'file'],
    'anchors that are not there': [
      [file, { ...siem, anchors: 'none.pem' }],
      'audit_streams.1.anchors',
      'none.pem',
    ],
    'no anchors in their file': [[{ ...siem, anchors: 'empty.pem' }], 'audit_streams.0.anchors'],
    'a key without a certificate': [[{ ...siem, key: 'own.key' }], 'audit_streams.0.certificate'],
    'a certificate without a key': [[{ ...siem, certificate: 'own.pem' }], 'audit_streams.0.key'],
    "another's key": [[{ ...siem, certificate: 'own.pem', key: 'other.key' }], 'audit_streams.0.key'],
    'a key that others can read': [
      [{ ...siem, certificate: 'own.pem', key: 'open.key' }],
      'audit_streams.0.key',
      '600',
    ],
    'a key that is none': [[{ ...siem, certificate: 'own.pem', key: 'text.pem' }], 'audit_streams.0.key'],
  };
  for (const [what, [streams, ...named]] of Object.entries(WRONG)) {
    it(`with ${what} stops the start with a sentence`, () => {
      assert.throws(
        () => configured(...streams),
        (error) => {
          assert.ok(error instanceof StartError, String(error));
          for (const word of [SOURCE, ...named]) assert.ok(error.message.includes(word), error.message);
          assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /PRIVATE|our-secret/);
          return true;
        },
      );
    });
  }

  const NO_FORM: Record<string, object> = {
    'an address as its name': { ...siem, name: '10.0.0.9' },
    'a name of no form': { ...siem, name: 'https://siem.example' },
    'no anchors': { ...siem, anchors: undefined },
    'no name': { ...siem, name: undefined },
    'a kind that is none': { ...siem, kind: 'udp' },
    'verification turned off': { ...siem, verify: false },
    'messages that are too short': { ...siem, message_bytes: 1_024 },
    'files that are too short': { ...file, rotate_bytes: 10 },
  };
  for (const [what, stream] of Object.entries(NO_FORM)) {
    it(`has no form with ${what}`, () => assert.equal(auditStream.safeParse(stream).success, false));
  }
  it('has a form without these', () => {
    for (const stream of [siem, file, { ...siem, name: 'localhost' }])
      assert.ok(auditStream.safeParse(stream).success);
  });
});
