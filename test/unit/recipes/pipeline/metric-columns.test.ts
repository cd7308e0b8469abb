import { expect, it } from 'vitest';
import { readableTable } from '../../../../src/recipes/pipeline/metric-columns.js';

it('shows shares in percent and other means to four digits, with their intervals', () => {
  const table = readableTable({
    header: ['accuracy', 'accuracy_low', 'accuracy_high', 'score', 'score_low', 'score_high'],
    rows: [
      [0.5, 0.25, 0.75, 1 / 3, 0.123456, 2 / 3],
      [0.5, null, null, null, null, null],
    ],
  });
  expect(table).toEqual({
    header: ['accuracy', 'score'],
    rows: [
      ['50.0% (25.0% – 75.0%)', '0.3333 (0.1235 – 0.6667)'],
      ['50.0%', null],
    ],
  });
});
