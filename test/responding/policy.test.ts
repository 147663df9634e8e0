import assert from 'node:assert/strict';

import type { RawConfig } from '../support/federation.ts';
import { matchesOf } from '../support/viewer.ts';
import { Asking, type Change } from './asking.ts';

const DAY = 86_400_000;
const day = (offset: number): string => new Date(Date.now() + offset * DAY).toISOString().slice(0, 10);
const search = (type: string): Change => ({ search: [{ id: type, query: type }] });

describe('the listener between brokers: what a proved neighbour may ask', () => {
  let asking: Asking;
  let ahead = 0;

  before(async () => {
    asking = await Asking.start({
      regions: ['herts-west-essex', 'london', 'essex-suffolk'],
      now: () => Date.now() + ahead,
      edit: (region, config) => {
        if (region !== 'london') return;
        const herts = agreementIn(config, 'herts-west-essex');
        herts['until'] = day(0);
        herts['types'] = (herts['types'] as string[]).filter((type) => type !== 'Condition');
        agreementIn(config, 'essex-suffolk')['from'] = day(1);
      },
    });
  });
  after(() => asking.stop());
  afterEach(() => (ahead = 0));

  const refused: readonly [name: string, code: string, change: Change][] = [
    ["an organisation of another region's", 'outside-coverage', { requesting_organization: 'RRK' }],
    ['an organisation of our own', 'outside-coverage', { requesting_organization: 'RAL' }],
    ['a practice of our own', 'outside-coverage', { requesting_organization: 'H83006' }],
    ['a practice that nobody knows', 'outside-coverage', { requesting_organization: 'Z99999' }],
    ['an organisation in small letters', 'outside-coverage', { requesting_organization: 'rwg' }],
    ['a name of the prototype', 'outside-coverage', { requesting_organization: 'constructor' }],
    ['a purpose that is not agreed', 'purpose-not-agreed', { reason_for_request: 'secondaryuses' }],
    ['a purpose in other letters', 'purpose-not-agreed', { reason_for_request: 'DirectCare' }],
    ['a role that is not agreed', 'role-not-agreed', { requesting_user_role: 'R0010' }],
    ['a role in words', 'role-not-agreed', { requesting_user_role: 'Consultant' }],
    [
      'a role that is not agreed, the glass broken',
      'role-not-agreed',
      { requesting_user_role: 'R0010', break_glass: { code: 'emergency', reason: 'unconscious' } },
    ],
  ];
  for (const [name, code, change] of refused) {
    it(`refuses ${name}`, async () => {
      await asking.refusesSigned(403, code, await asking.token(change));
    });
  }

  for (const user of [
    'UNK',
    'https://viewer.example/Id/user|UNK',
    'https://viewer.example/Id/user|shared',
    'https://a|b|c',
  ]) {
    it(`refuses ${user}: no person`, async () => {
      await asking.refusesSigned(400, 'bad-claims', await asking.token({ requesting_user: user }));
    });
  }

  for (const organisation of ['RWG', 'RWG02', 'F81027']) {
    it(`answers ${organisation}: in the sender's coverage`, async () => {
      assert.equal((await asking.ask({ requesting_organization: organisation })).claims.outcome, 'answered');
    });
  }

  it('answers on the last day of an agreement, and refuses from the next', async () => {
    await asking.stillAnswers();
    ahead = DAY;
    await asking.refusesSigned(403, 'no-agreement', await asking.token());
  });

  it('refuses until the first day of an agreement, and answers from then on', async () => {
    const essex = asking.by('essex-suffolk');
    await essex.refusesSigned(403, 'no-agreement', await essex.token());
    ahead = DAY;
    assert.equal((await essex.ask()).claims.outcome, 'answered');
  });

  it('offers no type that the agreement does not name, whoever the patient is', async () => {
    for (const type of ['Condition', 'Specimen']) {
      const { claims, reply } = await asking.ask(search(type));
      assert.equal(claims.outcome, 'not-offered');
      assert.deepEqual(claims.sources, [
        { record: 'london-care-record', search: type, outcome: 'not-offered', count: 0 },
      ]);
      assert.equal(reply.body['entry'], undefined);
    }
  });

  it('offers a type to one neighbour that it does not offer to another', async () => {
    ahead = DAY;
    assert.equal((await asking.by('essex-suffolk').ask(search('Condition'))).claims.outcome, 'answered');
  });

  it('releases nothing of a care setting that the agreement leaves out, and says which it leaves out', async () => {
    const { claims, reply } = await asking.ask(search('MedicationRequest'));
    assert.equal(claims.outcome, 'answered');
    assert.deepEqual(claims.settings_not_offered, ['sexual-health']);
    const [source] = claims.sources ?? [];
    assert.equal(source?.count, matchesOf(reply.body).length);
    assert.doesNotMatch(reply.text, /sexual-health"|olutegravir/);
  });

  it('and a good query is answered as before', () => asking.stillAnswers());
});

function agreementIn(config: RawConfig, region: string): RawConfig {
  const neighbours = config['neighbours'] as { region: string; agreement: RawConfig }[];
  const found = neighbours.find((neighbour) => neighbour.region === region);
  if (found === undefined) throw new TypeError(`${region} is no neighbour`);
  return found.agreement;
}
