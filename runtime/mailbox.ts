const SMALLEST_CAPACITY = 16;

/** A bounded queue, first in first out, over a ring that grows by doubling. */
export class Mailbox<Item> {
  readonly bound: number;
  #ring: (Item | undefined)[] = Array.from({ length: SMALLEST_CAPACITY });
  #head = 0;
  #length = 0;

  constructor(bound: number) {
    this.bound = bound;
  }

  get length(): number {
    return this.#length;
  }

  /** False when it is full: the item was not taken. */
  push(item: Item): boolean {
    if (this.#length >= this.bound) return false;
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length += 1;
    return true;
  }

  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length -= 1;
    return item;
  }

  peek(): Item | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  /** Takes out everything, in order. */
  drain(): Item[] {
    const items: Item[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item);
    return items;
  }

  #grow(): void {
    const grown: (Item | undefined)[] = Array.from({ length: this.#ring.length * 2 });
    for (let index = 0; index < this.#length; index += 1) grown[index] = this.#ring[(this.#head + index) & (this.#ring.length - 1)];
    this.#ring = grown;
    this.#head = 0;
  }
}
