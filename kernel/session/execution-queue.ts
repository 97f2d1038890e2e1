/** Cells run one after another; after one that failed, those that waited already are aborted. */
import type { Json, Message } from '../wire/message';
import type { ReplyChannel } from '../wire/thread-messages';

export interface Request {
  channel: ReplyChannel;
  message: Message;
}

export class ExecutionQueue {
  private readonly waiting: Request[] = [];
  private readonly doomed: Request[] = [];
  private isRunning = false;

  /** `execute` carries a request out; `abort` answers one without running it. */
  constructor(
    private readonly execute: (request: Request) => Promise<unknown>,
    private readonly abort: (request: Request) => Promise<unknown>,
  ) {}

  add(request: Request): void {
    this.waiting.push(request);
    if (!this.isRunning) void this.drain();
  }

  /**
   * The running cell ended with `reply`: if it failed, those behind it will be aborted. To be awaited before the reply
   * is sent, so that what a client sends after it is never aborted.
   */
  async conclude({ content }: Message, { status }: Json): Promise<void> {
    if (status !== 'error' || content.stop_on_error === false) return;
    await arrivals();
    this.doomed.push(...this.waiting.splice(0));
  }

  private async drain(): Promise<void> {
    this.isRunning = true;
    for (let request = this.waiting.shift(); request; request = this.waiting.shift()) {
      await this.execute(request);
      for (const doomed of this.doomed.splice(0)) await this.abort(doomed);
    }
    this.isRunning = false;
  }
}

// A cell that never yielded has kept the messages behind it from being read: two turns of the event loop read them.
async function arrivals(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
}
