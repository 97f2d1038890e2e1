/** A session as monitoring sees it. */
import { toBlocks, toSpans } from '../memory/rows';
import {
  addHolder,
  type HeldBlock,
  type HeldSpan,
  type Holder,
  type HolderFigures,
  nextHolderNumber,
  removeHolder,
} from '../monitoring/holders';
import { native } from '../native';

export class SessionHolder implements Holder {
  readonly number = nextHolderNumber();
  readonly name: string;
  readonly kind = 'session';

  /** @param id the engine's number of the session */
  constructor(
    private readonly id: number,
    model: string,
    readonly strategy: string,
  ) {
    this.name = `session ${this.number} of ${model}`;
    addHolder(this);
  }

  figures(): HolderFigures {
    const memory = native().sessionMemory(this.id);
    return { ...memory, capacity: 0, limit: memory.budget };
  }

  blocks(): HeldBlock[] {
    return toBlocks(native().sessionBlocks(this.id), this);
  }

  spans(): HeldSpan[] {
    return toSpans(native().sessionSpans(this.id));
  }

  /** A session's timeline is its recording's. */
  samples(): null {
    return null;
  }

  histograms(): null {
    return null;
  }

  /** Resolves when the session's memory is given back. */
  close(): Promise<void> {
    removeHolder(this, false);
    return native().closeSession(this.id);
  }
}
