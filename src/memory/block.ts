/** A block as an object, for code that wants it given back at the end of a scope. */
type View = ArrayBufferView;

/** A kind of typed array, such as Float32Array. */
export interface ViewType<T extends View> {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** What a block needs of the allocator that it came from. */
export interface BlockOwner {
  readonly closed: boolean;
  free(block: number): void;
  view<T extends View>(block: number, type: ViewType<T>): T;
}

/**
 * One block of an allocator or pool. It is freed by `free()`, or at the end of the scope of a `using`.
 *
 * @example
 * ```ts
 * using pool = createPool({ size: '64 KiB', blockSize: 4096 });
 * {
 *   using block = pool.block();
 *   block.view().fill(7);
 * }
 * pool.stats().liveBlocks; // 0
 * ```
 */
export class Block {
  #freed = false;

  /** Blocks come from `allocator.block()`. */
  constructor(
    private readonly owner: BlockOwner,
    /** the number that the allocator knows it by */
    readonly handle: number,
    /** as asked for */
    readonly bytes: number,
  ) {}

  /** Its memory, without a copy. @throws HyperionError as `allocator.view` */
  view(): Uint8Array<ArrayBuffer>;
  view<T extends View>(type: ViewType<T>): T;
  view(type: ViewType<View> = Uint8Array): View {
    return this.owner.view(this.handle, type);
  }

  /** Gives it back; views of it become empty. @throws HyperionError as `allocator.free` */
  free(): void {
    this.owner.free(this.handle);
    this.#freed = true;
  }

  /** Gives it back unless that was done, or its allocator is closed. */
  [Symbol.dispose](): void {
    if (!this.#freed && !this.owner.closed) this.free();
  }
}
