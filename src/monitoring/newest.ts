/** The newest items of a list that grows for ever. */
export class Newest<Item> {
  #items: Item[] = [];
  #dropped = 0;

  constructor(private readonly capacity: number) {}

  /** how many older ones are gone */
  get dropped(): number {
    return this.#dropped;
  }

  add(item: Item): void {
    this.#items.push(item);
    // Trimmed in large steps, so that an item costs no copy of all the others.
    if (this.#items.length >= 2 * this.capacity) {
      this.#dropped += this.#items.length - this.capacity;
      this.#items = this.#items.slice(-this.capacity);
    }
  }

  /** oldest first */
  list(): Item[] {
    return [...this.#items];
  }
}
