import assert from 'node:assert/strict';

import { brokerMetadata } from '../../src/trust/entity-statement.ts';
import { issueAuthority } from '../../src/trust/issue.ts';

const { certificate: ANCHOR } = await issueAuthority({
  ...{ name: 'London', notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) },
});

describe('the host names of an entity statement', () => {
  const { tls } = brokerMetadata.shape;
  const names = (list: readonly string[]): boolean =>
    tls.safeParse({ anchors: [ANCHOR], names: list }).success;

  it('may be left out, and are kept where they are given', () => {
    assert.deepEqual(tls.parse({ anchors: [ANCHOR] }), { anchors: [ANCHOR] });
    assert.deepEqual(tls.parse({ anchors: [ANCHOR], names: ['shcr.london.nhs.uk'] }).names, [
      'shcr.london.nhs.uk',
    ]);
  });

  it('are whole DNS names in lower case, at most sixteen', () => {
    const many = Array.from({ length: 17 }, (_, at) => `h${at}.nhs.uk`);
    assert.ok(names(many.slice(1)));
    assert.ok(names(['xn--sn-zja.example', `${'a'.repeat(63)}.nhs.uk`]));
    for (const wrong of [
      ...[
        '*.nhs.uk',
        'SHCR.nhs.uk',
        'localhost',
        '',
        '.nhs.uk',
        'nhs.uk.',
        'a..nhs.uk',
        '-a.nhs.uk',
        'a-.nhs.uk',
      ],
      ...[
        '192.0.2.1',
        'a b.nhs.uk',
        'https://nhs.uk',
        'nhs.uk:443',
        'a_b.nhs.uk',
        `${'a'.repeat(64)}.nhs.uk`,
      ],
      `${'a.'.repeat(126)}nhs.uk`,
    ]) {
      assert.equal(names([wrong]), false, wrong);
    }
    assert.equal(names(many), false);
  });
});

describe('the endpoints of an entity statement', () => {
  const { endpoints } = brokerMetadata.shape;
  const federation = 'https://london.example:9443';
  const others = (list: readonly string[]): boolean =>
    endpoints.safeParse({ federation, federation_alternates: list }).success;

  it('may be more than one, each once, at most eight, and addresses alone', () => {
    const many = Array.from({ length: 8 }, (_, at) => `https://b${at}.london.example`);
    assert.ok(others(many.slice(1)));
    assert.ok(endpoints.safeParse({ federation }).success);
    for (const wrong of [
      many,
      [],
      [federation],
      [many[0] ?? '', many[0] ?? ''],
      ['http://b.london.example'],
      ['https://user@b.london.example'],
      ['https://b.london.example?to=elsewhere'],
    ]) {
      assert.equal(others(wrong), false, wrong.join());
    }
  });
});
