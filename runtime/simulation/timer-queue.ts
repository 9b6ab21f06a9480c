export interface Scheduled {
  readonly dueMs: number;
  /** Tells apart what is due at the same time: first come, first served. */
  readonly number: number;
  readonly call: () => void;
  isCancelled: boolean;
}

/** A binary heap by time, then by number: the order is the same in every run. */
export class TimerQueue {
  readonly #heap: Scheduled[] = [];

  push(item: Scheduled): void {
    this.#heap.push(item);
    let index = this.#heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** The earliest that is not cancelled. */
  peek(): Scheduled | undefined {
    while (this.#heap[0]?.isCancelled === true) this.#removeFirst();
    return this.#heap[0];
  }

  pop(): Scheduled | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let index = 0;
    for (;;) {
      const [left, right] = [index * 2 + 1, index * 2 + 2];
      let first = index;
      if (left < this.#heap.length && this.#isBefore(left, first)) first = left;
      if (right < this.#heap.length && this.#isBefore(right, first)) first = right;
      if (first === index) return;
      this.#swap(index, first);
      index = first;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a === undefined || b === undefined) return false;
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.number < b.number);
  }

  #swap(left: number, right: number): void {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a === undefined || b === undefined) return;
    this.#heap[left] = b;
    this.#heap[right] = a;
  }
}
