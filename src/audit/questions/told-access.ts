import type { ToldAccess } from '../../evidence/access-claims.ts';
import type { Access } from './access.ts';

/** Codes and nothing else: a refused viewer's role, purpose or emergency code is as it was claimed, in any words. */
const CODE = /^[a-z][a-z0-9-]{0,39}$/;
const ROLE = /^R\d{4}$/;
const ORGANISATION = /^[A-Z0-9]{3,12}$/;

const MOST_PARTS = 64;

/**
 * What the patient's home region is told of one look of ours: no user, no reason in words, no id that a viewer chose.
 *
 * @param organisations true where the agreement says that the organisation travels too
 */
export function toTold(access: Access, organisations: boolean): ToldAccess {
  const { at, role, purpose, organisation, breakGlass, reason, types, count, sent } = access;
  const code = breakGlass?.code;
  return {
    ...{ at, kind: access.kind as ToldAccess['kind'], count },
    ...(matches(role, ROLE) ? { role } : {}),
    ...(matches(purpose, CODE) ? { purpose } : {}),
    ...(organisations && matches(organisation, ORGANISATION) ? { organisation } : {}),
    ...(breakGlass === undefined ? {} : { break_glass: matches(code, CODE) ? { code } : {} }),
    ...(matches(reason, CODE) ? { reason } : {}),
    regions: access.regions.slice(0, MOST_PARTS).map((part) => ({
      region: part.region,
      ...(matches(part.outcome, CODE) ? { outcome: part.outcome } : {}),
      ...(part.count === undefined ? {} : { count: part.count }),
    })),
    ...(types === undefined ? {} : { types: types.slice(0, 200) }),
    jtis: sent.slice(0, MOST_PARTS),
  };
}

/** A look as the region tells it where it was made. What does not travel is not known here. */
export function fromTold(told: ToldAccess): Access {
  const { at, kind, role, purpose, organisation, break_glass: glass, reason, regions, types, count } = told;
  const [first = ''] = told.jtis;
  return {
    ...{ at, kind, role, purpose, organisation, reason, regions, types, count },
    ...{ exchange: first, askedBy: 'us', user: undefined, entries: [], sent: told.jtis },
    breakGlass: glass && (glass.code === undefined ? {} : { code: glass.code }),
  };
}

function matches(text: string | undefined, form: RegExp): text is string {
  return text !== undefined && form.test(text);
}
