/**
 * How long the header `Retry-After` asks to wait, milliseconds: seconds, or a date (RFC 9110, 10.2.3). Null where
 * there is none, it is neither, no time is asked for, or the date is over: all tries would go at once.
 */
export function retryAfterMs(header: string | null, now = Date.now()): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000 || null;
  // Of the three forms of a date one is without GMT, which it means as well.
  const date = /^[A-Z][a-z]{2,8},? /.test(text)
    ? Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`)
    : Number.NaN;
  return date > now ? date - now : null;
}
