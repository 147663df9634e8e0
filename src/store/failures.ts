import { HouseError, type HouseCode } from '../errors.ts';

/** What a store's action throws is told as one of the house's codes; what broke stays inside. */
export async function orHouseError<Result>(
  code: HouseCode,
  action: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw new HouseError(code, undefined, { cause: error });
  }
}
