/**
 * Resources that are opened one after the other and closed in reverse order. What opens several of them reads
 * from top to bottom, without a `try` around each. (Node gets `AsyncDisposableStack` with version 24.)
 */

type Close = () => unknown;

export class CloseStack {
  private readonly closers: Close[] = [];
  private ending: Promise<void> | null = null;

  /** @param close What ends it. */
  adopt<T>(resource: T, close: (resource: T) => unknown): T {
    this.defer(() => close(resource));
    return resource;
  }

  defer(close: Close): void {
    this.closers.push(close);
  }

  /** Closes the last first, and all of them also where one throws: the first such error counts. Later calls wait. */
  close(): Promise<void> {
    this.ending ??= this.closeAll();
    return this.ending;
  }

  private async closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let last = this.closers.pop(); last !== undefined; last = this.closers.pop()) {
      try {
        await last();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** The same after an error, which what cannot be closed does not hide. */
  async abandon(): Promise<void> {
    await this.close().catch(() => undefined);
  }
}

/** Work with what it opens: all of it is closed in the end, whether it is done or throws. */
export async function closing<T>(work: (stack: CloseStack) => Promise<T>): Promise<T> {
  const stack = new CloseStack();
  const result = await opened(stack, work);
  await stack.close();
  return result;
}

/** Opens something that consists of several parts: where one cannot be opened, those before it are closed. */
export function opening<T>(open: (stack: CloseStack) => Promise<T>): Promise<T> {
  return opened(new CloseStack(), open);
}

async function opened<T>(stack: CloseStack, open: (stack: CloseStack) => Promise<T>): Promise<T> {
  try {
    return await open(stack);
  } catch (error) {
    await stack.abandon();
    throw error;
  }
}
