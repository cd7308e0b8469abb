/** A shared resource is opened for its first user and closed after its last. */
import { beforeEach, expect, it } from 'vitest';
import { SharedResources } from '../../../src/util/shared-resources.js';

const closed: string[] = [];
let opened = 0;
let shared: SharedResources<string>;
beforeEach(() => {
  closed.splice(0);
  opened = 0;
  shared = new SharedResources((name) => void closed.push(name));
});
const open = async () => `resource ${++opened}`;

it('is one for users of the same key, also of those who come while it is opened', async () => {
  const [a, b] = await Promise.all([shared.hold('k', open), shared.hold('k', open)]);
  const other = await shared.hold('l', open);
  expect([a.resource, b.resource, other.resource]).toEqual([
    ...['resource 1', 'resource 1', 'resource 2'],
  ]);
  a.release();
  a.release();
  expect(closed).toEqual([]);
  b.release();
  expect(closed).toEqual(['resource 1']);
  expect(shared.size).toBe(1);
  other.release();
  expect(shared.size).toBe(0);
});

it('is opened anew after its last user', async () => {
  (await shared.hold('k', open)).release();
  const again = await shared.hold('k', open);
  expect(again.resource).toBe('resource 2');
  again.release();
  expect(closed).toEqual(['resource 1', 'resource 2']);
});

it('is not held when it cannot be opened, and can be tried again', async () => {
  const fail = async () => {
    throw new Error('broken');
  };
  const tries = [shared.hold('k', fail), shared.hold('k', open)];
  const results = await Promise.allSettled(tries);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(shared.size).toBe(0);
  expect((await shared.hold('k', open)).resource).toBe('resource 1');
});
