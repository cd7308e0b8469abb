/**
 * How long the header `Retry-After` asks to wait, milliseconds: seconds, or a date (RFC 9110, 10.2.3), which is
 * over already where it lies behind `now`. Null where there is none, or it is neither.
 */
export function retryAfterMs(header: string | null, now = Date.now()): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Of the three forms of a date one is without GMT, which it means as well.
  const date = /^[A-Z][a-z]{2,8},? /.test(text)
    ? Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`)
    : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
