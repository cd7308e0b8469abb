/** Values by key, each made once for as long as its key is among those asked for last. */
export class RecentlyUsed<Value> {
  private readonly size: number;
  private readonly kept = new Map<string, Value>();

  constructor(size: number) {
    this.size = size;
  }

  get(key: string, make: () => Value): Value {
    const value = this.kept.has(key) ? this.kept.get(key)! : make();
    this.kept.delete(key);
    this.kept.set(key, value);
    if (this.kept.size > this.size) this.kept.delete(this.kept.keys().next().value!);
    return value;
  }
}
