/** Lifetimes of engine objects: closed once, refused afterwards, and given back when JavaScript forgets them. */
import { HyperionError } from '../errors';

const forgotten = new FinalizationRegistry<Handle>((handle) => handle.close());

/** The engine's number for a model or session, until it is closed. */
export class Handle {
  #release: (() => void) | undefined;

  /**
   * @param owner the object whose end, closed or collected, ends the handle; `release` must not refer to it
   * @param what how the error of a use after close calls it
   */
  constructor(
    owner: object,
    private readonly what: string,
    private readonly id: number,
    release: (id: number) => void,
  ) {
    this.#release = () => release(id);
    forgotten.register(owner, this, this);
  }

  get closed(): boolean {
    return this.#release === undefined;
  }

  /** @throws HyperionError `CLOSED` after close */
  get(): number {
    if (!this.closed) return this.id;
    throw new HyperionError('CLOSED', `the ${this.what} is closed; open it again`);
  }

  /** Gives the object back. Doing it again does nothing. */
  close(): void {
    const release = this.#release;
    this.#release = undefined;
    forgotten.unregister(this);
    release?.();
  }
}
