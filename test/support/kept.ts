/** Resources that a test holds. */
import { onTestFinished } from 'vitest';

/** Disposed when the test is over, the last one first. */
export function kept<T extends { dispose(): void }>(resource: T): T {
  onTestFinished(() => resource.dispose());
  return resource;
}
