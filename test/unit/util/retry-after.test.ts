import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/util/retry-after.js';

describe('retryAfterMs', () => {
  it('reads seconds', () => {
    expect(retryAfterMs('120')).toBe(120_000);
    expect(retryAfterMs(' 0.5 ')).toBe(500);
  });

  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])('reads the forms of a date in RFC 9110: %s', (date) => {
    const then = Date.UTC(1994, 10, 6, 8, 49, 37);
    expect(retryAfterMs(date, then - 7000)).toBe(7000);
    expect(retryAfterMs(date, then + 7000)).toBe(null);
  });

  it.each([null, '', 'soon', 'Soon enough', '-5', '0', '0x10', 'Infinity'])(
    '%j says nothing',
    (header) => {
      expect(retryAfterMs(header)).toBe(null);
    },
  );
});
