import { expect, it } from 'vitest';
import { counted } from '../../../src/util/counted.js';

it.each([
  [0, 'row', '0 rows'],
  [1, 'row', '1 row'],
  [2, 'greedy arm', '2 greedy arms'],
  [1, 'trajectory', '1 trajectory'],
  [3, 'trajectory', '3 trajectories'],
  [2, 'key', '2 keys'],
  [2, 'loss', '2 losses'],
])('%d of %s are %s', (count, noun, said) => {
  expect(counted(count, noun)).toBe(said);
});
