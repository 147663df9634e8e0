import type { z } from 'zod';

import {
  MOST_PARTS,
  MOST_TYPES,
  toldCode,
  toldOrganisation,
  toldRole,
  type ToldAccess,
} from '../../evidence/access-claims.ts';
import type { Access } from './access.ts';

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
    ...(matches(role, toldRole) ? { role } : {}),
    ...(matches(purpose, toldCode) ? { purpose } : {}),
    ...(organisations && matches(organisation, toldOrganisation) ? { organisation } : {}),
    ...(breakGlass === undefined ? {} : { break_glass: matches(code, toldCode) ? { code } : {} }),
    ...(matches(reason, toldCode) ? { reason } : {}),
    regions: access.regions.slice(0, MOST_PARTS).map((part) => ({
      region: part.region,
      ...(matches(part.outcome, toldCode) ? { outcome: part.outcome } : {}),
      ...(part.count === undefined ? {} : { count: part.count }),
    })),
    ...(types === undefined ? {} : { types: types.slice(0, MOST_TYPES) }),
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

/** What does not look like a code is not told: a refused viewer's role or purpose is as it was claimed, in any words. */
function matches(text: string | undefined, form: z.ZodType<string>): text is string {
  return form.safeParse(text).success;
}
