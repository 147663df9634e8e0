import assert from 'node:assert/strict';

import { CLOCK_TOLERANCE_S, LONGEST_LIFE_S } from '../../src/evidence/message.ts';
import { REST_S, signingStage, type SigningStage } from '../../src/evidence/signing-rotation.ts';
import { publicJwk, type PublicJwk } from '../../src/trust/entity-statement.ts';
import { generateSigningKey } from '../../src/trust/signing-key.ts';

describe('the stage of a signing key that is rotated', () => {
  const at = Date.parse('2026-11-23T12:00:00Z');
  const seconds = at / 1000;
  let [a, b, c] = [] as unknown as PublicJwk[];
  before(async () => {
    const made = await Promise.all(
      ['ES256', 'EdDSA', 'ES256'].map((alg) => generateSigningKey(alg as 'ES256')),
    );
    [a, b, c] = made.map((one) => publicJwk.parse(one.publicJwk));
  });

  const stage = (present?: PublicJwk, next?: PublicJwk, former?: PublicJwk, listed: unknown[] = []) =>
    signingStage({ present: present ?? assert.fail(), next, former }, listed as PublicJwk[], at);

  it('goes from none to none by what waits and by what the statement lists', () => {
    const table: [SigningStage, SigningStage][] = [
      [stage(a, undefined, undefined, [a]), 'none'],
      [stage(a, b, undefined, [a]), 'prepared'],
      [stage(a, b, undefined, [a, b]), 'published'],
      [stage(b, undefined, a, [a, b]), 'activated'],
      [stage(b, undefined, a, [b]), 'retired'],
    ];
    for (const [found, expected] of table) assert.equal(found, expected);
  });

  it('of an activation that was cut short is that of its next key', () => {
    assert.equal(stage(a, b, a, [a, b]), 'published');
    assert.equal(stage(a, b, a, [a]), 'prepared');
  });

  it('is that of the former key as long as there is one, whatever waits', () => {
    assert.equal(stage(b, c, a, [a, b, c]), 'activated');
    assert.equal(stage(b, c, a, [b, c]), 'retired');
  });

  it('is not published for a key that is listed under another name, or may not sign now', () => {
    for (const wrong of [
      { ...b, kid: 'another' },
      { ...c, kid: b?.kid },
      { ...b, nbf: seconds + 1 },
      { ...b, exp: seconds },
    ]) {
      assert.equal(stage(a, b, undefined, [a, wrong]), 'prepared');
    }
    assert.equal(stage(a, b, undefined, [a, { ...b, nbf: seconds, exp: seconds + 1 }]), 'published');
  });

  it('lets a former key rest for longer than anything that it signed is good', () => {
    assert.ok(REST_S > LONGEST_LIFE_S + CLOCK_TOLERANCE_S);
  });
});
