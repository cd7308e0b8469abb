import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CloseStack, closing, opening } from '../../../src/util/close-stack.js';

/** Adopts a resource for each name, whose end is noted in `closed`. */
function openAll(stack: CloseStack, names: readonly string[], closed: string[]): void {
  for (const name of names) stack.adopt(name, (own) => closed.push(own));
}

test('what is opened is closed in reverse order, once the work is done', async () => {
  const closed: string[] = [];
  const result = await closing(async (stack) => {
    openAll(stack, ['model', 'sampler'], closed);
    expect(closed).toEqual([]);
    return 7;
  });
  expect(result).toBe(7);
  expect(closed).toEqual(['sampler', 'model']);
});

test('an error of the work closes everything and stays the error', async () => {
  const closed: string[] = [];
  const work = closing(async (stack) => {
    openAll(stack, ['model', 'sampler'], closed);
    throw new Error('no room');
  });
  await expect(work).rejects.toThrow('no room');
  expect(closed).toEqual(['sampler', 'model']);
});

test('nor does what cannot be closed then hide it', async () => {
  const closed: string[] = [];
  const work = closing(async (stack) => {
    openAll(stack, ['model'], closed);
    stack.defer(async () => {
      throw new Error('it hangs');
    });
    throw new Error('no room');
  });
  await expect(work).rejects.toThrow('no room');
  expect(closed).toEqual(['model']);
});

test('the first of several that cannot be closed is told of', async () => {
  const work = closing(async (stack) => {
    for (const name of ['first', 'second']) {
      stack.defer(() => {
        throw new Error(name);
      });
    }
  });
  await expect(work).rejects.toThrow('second');
});

test('a call while it is being closed waits for its end', async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  openAll(stack, ['model'], closed);
  stack.defer(async () => {
    await setImmediate();
    closed.push('sampler');
  });
  await Promise.all([stack.close(), stack.close()]);
  expect(closed).toEqual(['sampler', 'model']);
});

test('what cannot be closed does not keep the others open, and its error is thrown', async () => {
  const closed: string[] = [];
  const work = closing(async (stack) => {
    openAll(stack, ['model'], closed);
    stack.defer(async () => {
      throw new Error('it hangs');
    });
    openAll(stack, ['sampler'], closed);
  });
  await expect(work).rejects.toThrow('it hangs');
  expect(closed).toEqual(['sampler', 'model']);
});

test('opening closes where it fails, and leaves what it has opened otherwise', async () => {
  const closed: string[] = [];
  const opened = await opening(async (stack) => {
    openAll(stack, ['judge'], closed);
    return { close: () => stack.close() };
  });
  expect(closed).toEqual([]);
  await opened.close();
  await opened.close();
  expect(closed).toEqual(['judge']);
  const failed = opening(async (stack) => {
    openAll(stack, ['tools', 'user'], closed);
    throw new Error('no such file');
  });
  await expect(failed).rejects.toThrow('no such file');
  expect(closed).toEqual(['judge', 'user', 'tools']);
});
