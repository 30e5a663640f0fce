/** What was loaded and may be wanted again, within a bound of memory. */

/** Something with a size. */
export interface Sized {
  readonly bytes: number;
}

/** The least recently used goes first when the bound is reached. */
export class Cache<T extends Sized> {
  private readonly held = new Map<string, T>();
  private total = 0;

  /** @param most bytes of all values together; one larger value is held alone. */
  constructor(readonly most: number) {}

  get bytes(): number {
    return this.total;
  }

  has(key: string): boolean {
    return this.held.has(key);
  }

  get(key: string): T | undefined {
    const found = this.held.get(key);
    if (found) {
      this.held.delete(key);
      this.held.set(key, found); // now the newest
    }
    return found;
  }

  put(key: string, value: T): void {
    this.drop(key);
    for (const oldest of this.held.keys()) {
      if (this.total + value.bytes <= this.most) break;
      this.drop(oldest);
    }
    this.held.set(key, value);
    this.total += value.bytes;
  }

  private drop(key: string): void {
    const found = this.held.get(key);
    if (!found) return;
    this.held.delete(key);
    this.total -= found.bytes;
  }
}
