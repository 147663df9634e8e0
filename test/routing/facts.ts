import { Directory } from '../../src/routing/directory.ts';
import type { RouteFacts } from '../../src/routing/route-facts.ts';

/** A small federation: `home` is ours. */
export const directory = new Directory({
  regions: [
    { id: 'home', name: 'Home', sub_icbs: [{ code: '07H' }] },
    { id: 'city', name: 'City', sub_icbs: [{ code: '36L', until: '2026-03-31' }] },
    { id: 'hills', name: 'Hills', sub_icbs: [{ code: '36L', from: '2026-04-01' }] },
  ],
  practices: { F81027: '07H', H83006: '36L', W91001: '7A1', E82132: '06H' },
  organisations: [
    { code: 'RJ6', name: 'Croydon', feeds: [{ region: 'city' }] },
    { code: 'RJ611', name: 'A site of it', feeds: [{ region: 'hills' }] },
    {
      code: 'R1L',
      name: 'Two regions',
      feeds: [{ region: 'city' }, { region: 'hills', until: '2025-12-31' }],
    },
  ],
});

/** A patient of ours, asked about by a viewer that shows one of our two records. */
export const facts: RouteFacts = {
  nhsNumber: '9990000018',
  registration: { kind: 'registered', practice: 'F81027', current: '9990000018' },
  careLocations: [],
  known: [],
  own: { region: 'home', records: ['one', 'two'], shownByViewer: ['one'] },
  agreed: new Set(['home', 'city', 'hills']),
  breakGlass: new Set(),
  withoutRegistration: 'ask-all-agreed',
  recentMonths: 12,
  at: Date.parse('2026-11-22T12:00:00Z'),
};
