/** Resources that several users hold at once: each is opened for the first of them and closed after the last. */

interface Held<T> {
  users: number;
  readonly resource: Promise<T>;
}

export interface Holding<T> {
  readonly resource: T;
  /** Further calls do nothing. */
  readonly release: () => void;
}

export class SharedResources<T> {
  private readonly held = new Map<string, Held<T>>();
  private readonly close: (resource: T) => void;

  constructor(close: (resource: T) => void) {
    this.close = close;
  }

  /** Resources that are open. */
  get size(): number {
    return this.held.size;
  }

  /** @param open Called where no one holds `key`; when it fails, all who wait for it fail and none is held. */
  async hold(key: string, open: () => Promise<T>): Promise<Holding<T>> {
    const held = this.held.get(key) ?? { users: 0, resource: open() };
    this.held.set(key, held);
    held.users++;
    try {
      const resource = await held.resource;
      let isHeld = true;
      const release = () => {
        if (!isHeld) return;
        isHeld = false;
        if (this.leave(key, held) === 0) this.close(resource);
      };
      return { resource, release };
    } catch (error) {
      this.leave(key, held);
      throw error;
    }
  }

  private leave(key: string, held: Held<T>): number {
    held.users--;
    if (held.users === 0) this.held.delete(key);
    return held.users;
  }
}
