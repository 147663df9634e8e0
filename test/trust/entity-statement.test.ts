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
