import type { FirstWords } from '../../src/config/first-files.ts';

/** A fifth region, as `wayleave trust init` is told of it. */
export function firstWords(changes: Partial<FirstWords> = {}): FirstWords {
  return {
    ...{ region: 'greater-manchester', name: 'Greater Manchester', contact: 'broker@gm.example' },
    entity: 'https://greater-manchester.wayleave.example',
    federationBase: 'https://greater-manchester.wayleave.example:8441',
    statementBase: 'https://greater-manchester.wayleave.example:8443',
    ...{ subIcbs: ['14L', '01G'], organisations: ['R0A'] },
    record: { id: 'gm-record', name: 'GM Care Record', base: 'http://127.0.0.1:8080/fhir' },
    demographics: 'http://127.0.0.1:8081/personal-demographics/FHIR/R4',
    directory: undefined,
    ports: { viewer: 8440, federation: 8441, admin: 8442, statement: 8443, admin_api: 8444 },
    ...{ admins: [], viewers: [] },
    logOrigin: 'greater-manchester.wayleave.example/log/1',
    passphraseEnv: undefined,
    ...changes,
  };
}
