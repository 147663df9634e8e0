interface Told {
  readonly sender: string;
  readonly patient: string;
}

/**
 * What was told, patient by patient: one of each sender's after the other, beginning with another sender for each `nth`. What
 * several told of one patient comes together, when the first of them has its turn.
 */
export function inTurn<Row extends Told>(
  rows: readonly Row[],
  nth: number,
): (readonly [patient: string, told: readonly Row[]])[] {
  const ofPatient = Map.groupBy(rows, ({ patient }) => patient);
  const queues = [...Map.groupBy(rows, ({ sender }) => sender).values()].map((told) => [
    ...new Set(told.map(({ patient }) => patient)),
  ]);
  const first = queues.length === 0 ? 0 : nth % queues.length;
  const rotated = [...queues.slice(first), ...queues.slice(0, first)];
  const longest = Math.max(0, ...queues.map(({ length }) => length));
  const order = Array.from({ length: longest }, (_, turn) =>
    rotated.flatMap((queue) => queue.slice(turn, turn + 1)),
  );
  return [...new Set(order.flat())].map((patient) => [patient, ofPatient.get(patient) ?? []]);
}
