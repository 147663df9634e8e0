import assert from 'node:assert/strict';

import type { Access } from '../../src/audit/questions/access.ts';
import {
  gatherReport,
  type PatientReport,
  type ReportQuestion,
} from '../../src/audit/questions/patient-report.ts';
import type { NotLookedAt } from '../../src/audit/questions/not-looked-at.ts';
import { reportCsv } from '../../src/audit/questions/report-csv.ts';
import { reportHtml } from '../../src/audit/questions/report-html.ts';
import { wordsOf, type Names } from '../../src/audit/questions/report-words.ts';
import { patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { EDGE_NUMBERS } from '../../src/demo/people/edge-cases.ts';
import { REGION_IDS, type RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { withLog } from './evidence-of.ts';

const PATIENT = '9990000018';
const OTHER = '9990000026';
const OBJECTOR = '9990000077';
const FOUR_RECORDS = '9990000042';
const HOSTILE = '=HYPERLINK("http://x")<img src=x onerror=alert(1)>';
/** Who else to ask is no access: those who are asked keep theirs. */
const WHERE = new Set<string>([
  ...['locate-sent', 'locate-believed', 'locate-received', 'locate-answered', 'route-extended'],
]);
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

function reportOf(
  federation: TestFederation,
  region: RegionId,
  question: Partial<ReportQuestion> & { nhsNumber: string },
  pageSize?: number,
): Promise<PatientReport> {
  const digest = patientDigestOf(loadSecrets(federation.config(region).secretsDirectory));
  return withLog(federation, region, ({ store, log }) =>
    gatherReport(
      { also: [], ...ALWAYS, ...question },
      { store: store.log, archive: store.archive, log, digest, region },
      pageSize,
    ),
  );
}

describe('who saw this record, asked of every region after a day of questions', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation();
    const ask = async (region: RegionId, patient: string, path: string, claims = {}, viewerId?: string) => {
      const viewer = new TestViewer(federation, region, viewerId);
      await viewer.ask(patient, path, { token: await viewer.token(patient, claims) });
      viewer.close();
    };
    const glass = { code: 'emergency', reason: HOSTILE };
    await ask('herts-west-essex', PATIENT, `/fhir/MedicationRequest?patient=${PATIENT}`);
    await ask('herts-west-essex', PATIENT, `/fhir/Condition?patient=${PATIENT}`, { break_glass: glass });
    await ask('herts-west-essex', PATIENT, `/fhir/Condition?patient=${PATIENT}`, {
      requesting_user_role: 'R8010',
    });
    await ask('herts-west-essex', PATIENT, `/fhir/Condition?patient=${OTHER}`);
    await ask('london', PATIENT, `/fhir/Patient/${PATIENT}/$everything`);
    await ask('london', OTHER, `/fhir/Condition?patient=${OTHER}`);
    await ask('herts-west-essex', OBJECTOR, `/fhir/Condition?patient=${OBJECTOR}`);
    const everything = `/fhir/Patient/${FOUR_RECORDS}/$everything`;
    await ask('west-midlands', FOUR_RECORDS, everything, {}, 'one-health-and-care-viewer');
    const { superseded, current } = EDGE_NUMBERS;
    await ask('herts-west-essex', superseded, `/fhir/MedicationStatement?patient=${superseded}`);
    await ask('herts-west-essex', current, `/fhir/Condition?patient=${current}`);
  });
  after(() => federation.stop());

  for (const region of REGION_IDS) {
    it(`${region}: every access of the patient is there, and none of another`, async () => {
      for (const nhsNumber of [PATIENT, OTHER, OBJECTOR]) {
        const rows = await readAudit(federation.config(region));
        const about = rows.filter(
          ({ event, values }) => values['nhs_number'] === nhsNumber && !WHERE.has(event),
        );
        const { accesses } = await reportOf(federation, region, { nhsNumber });
        assert.deepEqual(
          accesses.map(({ exchange }) => exchange).sort(),
          [...new Set(about.map(({ exchange }) => exchange))].sort(),
        );
        assert.deepEqual(
          accesses.flatMap(({ entries }) => entries).sort((one, other) => one - other),
          about.map(({ sequence }) => sequence),
        );
      }
    });
  }

  it('at the requester each look is one line: what was shown, by types, from which regions, or why not', async () => {
    const { accesses } = await reportOf(federation, 'herts-west-essex', { nhsNumber: PATIENT });
    const here = accesses.filter(({ askedBy }) => askedBy === 'us');
    assert.deepEqual(
      here.map(({ kind }) => kind),
      ['shown', 'shown', 'nothing-shown', 'refused-here'],
    );
    const [first] = here;
    assert.deepEqual([first?.organisation, first?.role, first?.purpose], ['RQW', 'R8000', 'directcare']);
    assert.deepEqual(
      first?.regions.map((part) => [part.region, part.outcome]),
      [['london', 'answered']],
    );
    assert.ok(first.types?.some(({ type, count }) => type === 'MedicationRequest' && count > 0));
    assert.match(first.user ?? '', /dr\.test$/);
    assert.deepEqual(here[1]?.breakGlass, { code: 'emergency', reason: HOSTILE });
    assert.equal(here[2]?.regions[0]?.reason, 'agreement');
    assert.equal(here[3]?.reason, 'patient-mismatch');
  });

  it('at the responder each query is one line: given, withheld, refused, with types and emergency access', async () => {
    const { accesses } = await reportOf(federation, 'london', { nhsNumber: PATIENT });
    const given = accesses.filter(({ askedBy }) => askedBy === 'neighbour');
    assert.deepEqual(
      given.map(({ kind, regions }) => [kind, regions[0]?.region]),
      [
        ['given', 'herts-west-essex'],
        ['given', 'herts-west-essex'],
        ['refused', 'herts-west-essex'],
      ],
    );
    assert.deepEqual(given[1]?.breakGlass, { code: 'emergency', reason: HOSTILE });
    assert.equal(given[0]?.breakGlass, undefined);
    assert.equal(given[2]?.reason, 'role-not-agreed');
    const [{ count, types } = { count: 0, types: [] }] = given;
    assert.equal(
      types?.reduce((sum, one) => sum + one.count, 0),
      count,
    );
    const objected = await reportOf(federation, 'london', { nhsNumber: OBJECTOR });
    assert.deepEqual(
      objected.accesses.map(({ kind, count: none }) => [kind, none]),
      [['withheld', 0]],
    );
  });

  it('what a region asks of itself is part of the look that it was asked for', async () => {
    const rows = await readAudit(federation.config('west-midlands'));
    assert.ok(rows.some(({ event, region }) => event === 'query-received' && region === 'west-midlands'));
    const { accesses } = await reportOf(federation, 'west-midlands', { nhsNumber: FOUR_RECORDS });
    assert.deepEqual(
      accesses.map(({ askedBy, regions }) => [askedBy, regions.map(({ region }) => region)]),
      [['us', ['herts-west-essex', 'west-midlands']]],
    );
  });

  it('reads in pages, and is the same whatever their size', async () => {
    const question = { nhsNumber: PATIENT };
    const whole = await reportOf(federation, 'herts-west-essex', question);
    assert.deepEqual(await reportOf(federation, 'herts-west-essex', question, 1), whole);
    assert.deepEqual(await reportOf(federation, 'herts-west-essex', question, 2), whole);
  });

  it('keeps to the time that is asked for, and gives each look whole', async () => {
    const { accesses } = await reportOf(federation, 'herts-west-essex', { nhsNumber: PATIENT });
    const [first, second] = accesses as [Access, Access];
    const early = await reportOf(federation, 'herts-west-essex', { nhsNumber: PATIENT, to: first.at + 1 });
    assert.deepEqual(early.accesses, [first]);
    const later = await reportOf(federation, 'herts-west-essex', { nhsNumber: PATIENT, from: first.at + 1 });
    assert.deepEqual(later.accesses[0], second);
  });

  it('follows a superseded number that our own demographics told of', async () => {
    const { superseded, current } = EDGE_NUMBERS;
    const own = await reportOf(federation, 'herts-west-essex', { nhsNumber: current });
    assert.deepEqual([own.accesses.length, own.numbers, own.unconfirmed], [2, 2, 0]);
    const bySuperseded = { nhsNumber: superseded, also: [current] };
    assert.equal((await reportOf(federation, 'herts-west-essex', bySuperseded)).accesses.length, 2);
  });

  it('does not take a neighbour’s word for another number, and says so', async () => {
    const { superseded, current } = EDGE_NUMBERS;
    const theirs = await reportOf(federation, 'london', { nhsNumber: current });
    assert.equal(theirs.numbers, 1);
    assert.ok(theirs.accesses.length > 0 && theirs.unconfirmed > 0);
    const confirmed = await reportOf(federation, 'london', { nhsNumber: current, also: [superseded] });
    assert.deepEqual([confirmed.numbers, confirmed.unconfirmed], [2, 0]);
  });

  it('says what it can of an access whose values were erased, and what it no longer knows', async () => {
    await withLog(federation, 'essex-suffolk', async ({ store, log, trail }) => {
      const asking = { exchange: 'gone', nhsNumber: PATIENT, organisation: 'RQW' };
      await trail.queryAnswered(asking, 'london', { outcome: 'answered', count: 3, resources: [] });
      const digest = patientDigestOf(loadSecrets(federation.config('essex-suffolk').secretsDirectory));
      const [entry] = await store.log.search({ ...ALWAYS, exchange: 'gone', limit: 1 });
      assert.ok(entry);
      const found = { ...entry, sealed: undefined };
      const erased = { search: () => Promise.resolve([found]) };
      const sources = { store: erased, archive: store.archive, log, digest, region: 'essex-suffolk' };
      const { accesses } = await gatherReport({ nhsNumber: PATIENT, also: [], ...ALWAYS }, sources);
      assert.deepEqual(
        accesses.map(({ kind, types, count, user }) => [kind, types, count, user]),
        [['given', undefined, 3, undefined]],
      );
    });
  });

  for (const outcome of ['none', 'not-reached', 'partial', 'not-offered'] as const) {
    it(`an answer of nothing with outcome ${outcome} ${outcome === 'none' ? 'is' : 'is not'} "nothing was held"`, async () => {
      const digest = patientDigestOf(loadSecrets(federation.config('essex-suffolk').secretsDirectory));
      await withLog(federation, 'essex-suffolk', async ({ store, log, trail }) => {
        const exchange = `empty-${outcome}`;
        const asking = { exchange, nhsNumber: '9990000085', organisation: 'RQW' };
        await trail.queryAnswered(asking, 'london', { outcome, count: 0, resources: [] });
        const sources = { store: store.log, archive: store.archive, log, digest, region: 'essex-suffolk' };
        const question = { nhsNumber: '9990000085', also: [], ...ALWAYS };
        const { accesses } = await gatherReport(question, sources);
        const [look] = accesses.filter((one) => one.exchange === exchange);
        assert.ok(look);
        assert.equal(look.kind, outcome === 'none' ? 'none-held' : 'nothing-given');
        assert.equal(wordsOf(look, NAMES).what.includes('nothing was held'), outcome === 'none');
        assert.equal(wordsOf(look, NAMES).regions.includes('our part'), outcome !== 'none');
      });
    });
  }

  it('leaves no NHS number, name or token in what the brokers logged', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /99900000\d\d|dr\.test|eyJ[A-Za-z0-9_-]{10}/);
  });
});

const NAMES: Names = {
  region: (id) => `Region <${id}>`,
  organisation: (code) => (code === 'RQW' ? '</td><script>alert("1")</script>&' : undefined),
};

function access(more: Partial<Access> = {}): Access {
  return {
    ...{ at: Date.parse('2026-07-01T22:30:00Z'), exchange: 'x', askedBy: 'us', kind: 'shown' },
    ...{
      organisation: 'RQW',
      role: 'R0260',
      purpose: 'directcare',
      user: 'https://v.example/Id/user|a',
      reason: undefined,
    },
    ...{ breakGlass: undefined, regions: [{ region: 'london', outcome: 'answered', count: 2 }] },
    ...{ types: [{ type: 'Condition', count: 2 }], count: 2, entries: [1, 2], sent: [] },
    ...more,
  };
}

const ARCHIVED: NotLookedAt = {
  ...{ log: 'herts.example/log/1', from: 0, to: 9, files: ['a.segment.gz'] },
  ...{ oldest: Date.parse('2025-01-02'), newest: Date.parse('2025-03-04') },
};

const page = (accesses: readonly Access[], showUsers = false, notLookedAt: NotLookedAt[] = []): string =>
  reportHtml(
    {
      report: {
        ...{ from: 0, to: Date.parse('2026-07-03'), accesses, notLookedAt },
        ...{ enquiries: [], lookUps: [], numbers: 1, unconfirmed: 0, unreadable: 0 },
      },
      ...{ region: 'herts', nhsNumber: PATIENT, madeAt: Date.parse('2026-07-02T09:00:00Z'), showUsers },
    },
    NAMES,
  );

describe('the report as a page to print', () => {
  it('escapes whatever comes from elsewhere: names, reasons, users', () => {
    const html = page([access({ breakGlass: { code: 'emergency', reason: `${HOSTILE}"'\u202e` } })], true);
    assert.doesNotMatch(html, /<script|<img|onerror=alert\(1\)>|\u202e/);
    assert.match(html, /&lt;\/td&gt;&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;/);
    assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;/);
    assert.equal(html.match(/<td[ >]/g)?.length, html.match(/<\/td>/g)?.length);
    assert.equal(html.match(/<td[ >]/g)?.length, 9);
  });

  it('runs no script and fetches nothing', () => {
    const html = page([access()]);
    assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
    assert.doesNotMatch(html, /<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import| on[a-z]+=/i);
    assert.match(html, /@media print/);
  });

  it('says it in words, in the time of England, and names users only where that is set', () => {
    const words = wordsOf(access(), {
      ...NAMES,
      organisation: () => 'The Princess Alexandra Hospital NHS Trust',
    });
    assert.deepEqual(words, {
      when: '1 July 2026 at 23:30:00 BST',
      what: 'Asked here, and shown',
      organisation: 'The Princess Alexandra Hospital NHS Trust (RQW)',
      role: 'General Medical Practitioner',
      purpose: 'Direct care',
      regions: 'Region <london> answered with 2',
      resources: '2 Condition',
      breakGlass: 'No',
    });
    assert.doesNotMatch(page([access()]), /v\.example/);
    assert.match(page([access()], true), /v\.example/);
  });

  it('says so when there is nothing', () => {
    assert.match(page([]), /The logs of [^.]* hold no look at this record/);
  });

  it('says what was not looked at, and never that nobody was there', () => {
    const html = page([], false, [ARCHIVED]);
    assert.match(html, /from 2 January 2025 to 4 March 2025 is archived and was not looked at/);
    assert.doesNotMatch(html, /The logs of [^.]* hold no look at this record/);
    assert.match(page([access()], false, [ARCHIVED]), /was not looked at/);
    assert.doesNotMatch(page([access()]), /not looked at/);
  });

  const UNKNOWN = access({ organisation: 'X99', role: 'constructor', purpose: undefined, types: undefined });
  it('leaves codes that no table knows as they are', () => {
    const { organisation, role, purpose, resources } = wordsOf(UNKNOWN, NAMES);
    assert.deepEqual([organisation, role, purpose], ['X99', 'constructor', 'Not known']);
    assert.match(resources, /erased/);
  });
});

describe('the report as a table', () => {
  const table = (
    accesses: readonly Access[],
    names: Names,
    showUsers: boolean,
    notLookedAt: NotLookedAt[] = [],
  ): string => reportCsv({ accesses, notLookedAt }, names, showUsers);

  it('has a row for what was not looked at, as wide as the others', () => {
    for (const showUsers of [false, true]) {
      const [head, missing, row] = table([access()], NAMES, showUsers, [ARCHIVED]).split('\r\n');
      assert.match(missing ?? '', /^"2025-01-02T00:00:00\.000Z","The log from .* was not looked at/);
      const cells = [head, missing, row].map((line) => line?.match(/"(?:[^"]|"")*"/g)?.length);
      assert.deepEqual(cells, [cells[0], cells[0], cells[0]]);
    }
  });

  const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\r\n=1', '\u200b=1', '\uFF1D1', '"=1'];
  for (const formula of FORMULAS) {
    it(`${JSON.stringify(formula)} is text to a spreadsheet`, () => {
      const text = table([access({ user: formula, organisation: formula })], NAMES, true);
      for (const row of text.trimEnd().split('\r\n')) {
        assert.match(row, /^"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")*$/);
        for (const [, cell = ''] of row.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)) {
          assert.doesNotMatch(cell, /^[\s\p{C}]*[=+\-@\uFF1D]/u);
        }
      }
      assert.equal(text.split('\r\n').length, 3);
    });
  }

  it('has a head, UTC times, and users only where that is set', () => {
    const [head, row] = table([access()], NAMES, false).split('\r\n');
    assert.equal(head?.split(',').length, 11);
    assert.match(row ?? '', /^"2026-07-01T22:30:00\.000Z",/);
    assert.doesNotMatch(row ?? '', /v\.example/);
    assert.match(table([access()], NAMES, true), /v\.example/);
  });
});
