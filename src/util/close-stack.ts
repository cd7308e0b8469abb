/**
 * Resources that are opened one after the other and closed in reverse order. What opens several of them reads
 * from top to bottom, without a `try` around each. (Node gets `AsyncDisposableStack` with version 24.)
 */

type Close = () => unknown;

export class CloseStack {
  private readonly closers: Close[] = [];

  /** @param close What ends it. */
  adopt<T>(resource: T, close: (resource: T) => unknown): T {
    this.defer(() => close(resource));
    return resource;
  }

  defer(close: Close): void {
    this.closers.push(close);
  }

  /** Closes the last first, and all of them also where one throws. Further calls do nothing. */
  async close(): Promise<void> {
    const last = this.closers.pop();
    if (last === undefined) return;
    try {
      await last();
    } finally {
      await this.close();
    }
  }
}

/** Work with what it opens: all of it is closed in the end, whether it is done or throws. */
export async function closing<T>(work: (stack: CloseStack) => Promise<T>): Promise<T> {
  const stack = new CloseStack();
  try {
    return await work(stack);
  } finally {
    await stack.close();
  }
}

/** Opens something that consists of several parts: where one cannot be opened, those before it are closed. */
export async function opening<T>(open: (stack: CloseStack) => Promise<T>): Promise<T> {
  const stack = new CloseStack();
  try {
    return await open(stack);
  } catch (error) {
    await stack.close();
    throw error;
  }
}
