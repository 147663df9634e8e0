/** IMF-fixdate, and the two obsolete forms that a recipient takes (RFC 9110, 5.6.7). */
const HTTP_DATE = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
];
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * How long a service asks to be left alone (RFC 9110, 10.2.3): seconds or a date.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds, never below zero; undefined where it does not say, or says what is neither
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  const at = ASCTIME.test(text) ? Date.parse(`${text} GMT`) : dateIn(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function dateIn(text: string): number {
  return HTTP_DATE.some((form) => form.test(text)) ? Date.parse(text) : NaN;
}
