/** What the engine holds memory for by itself, a session or a loader, as monitoring sees it. */
import {
  addHolder,
  type HeldBlock,
  type HeldSpan,
  type Holder,
  type HolderFigures,
  nextHolderNumber,
  removeHolder,
} from '../monitoring/holders';
import { type NativeMemory, native } from '../native';
import { toBlocks, toSpans } from './rows';

type EngineKind = 'session' | 'loader';

/** The engine's functions for each kind, all by its number. */
const CALLS = {
  session: {
    memory: (id: number): NativeMemory => native().sessionMemory(id),
    blocks: (id: number) => native().sessionBlocks(id),
    spans: (id: number) => native().sessionSpans(id),
    close: (id: number) => native().closeSession(id),
  },
  loader: {
    memory: (id: number): NativeMemory => native().loaderMemory(id),
    blocks: (id: number) => native().loaderBlocks(id),
    spans: (id: number) => native().loaderSpans(id),
    close: (id: number) => native().closeLoader(id),
  },
} as const;

export class EngineHolder implements Holder {
  readonly number = nextHolderNumber();
  readonly name: string;

  /** @param id the engine's number of the session or loader */
  constructor(
    readonly kind: EngineKind,
    private readonly id: number,
    model: string,
    readonly strategy: string,
  ) {
    this.name = `${kind} ${this.number} of ${model}`;
    addHolder(this);
  }

  figures(): HolderFigures {
    const memory = CALLS[this.kind].memory(this.id);
    return { ...memory, capacity: 0, limit: memory.budget };
  }

  blocks(): HeldBlock[] {
    return toBlocks(CALLS[this.kind].blocks(this.id), this);
  }

  spans(): HeldSpan[] {
    return toSpans(CALLS[this.kind].spans(this.id));
  }

  /** A session's timeline is its recording's. */
  samples(): null {
    return null;
  }

  histograms(): null {
    return null;
  }

  /** Resolves when its memory is given back. */
  close(): Promise<void> {
    removeHolder(this, false);
    return CALLS[this.kind].close(this.id);
  }
}
