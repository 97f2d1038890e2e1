/** The five ZeroMQ sockets of a kernel, bound to the addresses of the connection. */
import { Publisher, Reply, Router } from 'zeromq';
import { address, type Channel, type Connection } from './connection';
import { log } from './log';
import type { Frame } from './message';

// What was sent shortly before the process ends still leaves it, for at most this long (ms).
const LINGER = 1000;

export class Sockets {
  private readonly shell = new Router({ linger: LINGER, sendHighWaterMark: 0 });
  private readonly control = new Router({ linger: LINGER, sendHighWaterMark: 0 });
  private readonly stdin = new Router({ linger: LINGER });
  private readonly hb = new Reply({ linger: 0 });
  // Without a high-water mark: ZeroMQ would drop outputs silently; the session bounds what a cell may print.
  private readonly iopub = new Publisher({ linger: LINGER, sendHighWaterMark: 0 });
  private readonly queues = new Map<Channel, Promise<void>>();

  async bind(connection: Connection): Promise<void> {
    const all = {
      shell: this.shell,
      control: this.control,
      stdin: this.stdin,
      hb: this.hb,
      iopub: this.iopub,
    };
    await Promise.all(
      Object.entries(all).map(([channel, socket]) => socket.bind(address(connection, channel as Channel))),
    );
    void this.beat();
  }

  /** Queues one message. ZeroMQ allows one pending send per socket, so each waits for the one before it. */
  send(channel: 'shell' | 'control' | 'iopub', frames: Frame[]): void {
    const sent = (this.queues.get(channel) ?? Promise.resolve())
      .then(() => this[channel].send(frames))
      .catch((error: unknown) => log(`cannot send on ${channel}`, error));
    this.queues.set(channel, sent);
  }

  /** Every message that arrives on the channel, until it is closed. */
  receive(channel: 'shell' | 'control'): AsyncIterable<Uint8Array[]> {
    return this[channel];
  }

  /** Sends what is queued, then closes. */
  async close(): Promise<void> {
    await Promise.all(this.queues.values());
    for (const socket of [this.shell, this.control, this.stdin, this.hb, this.iopub]) socket.close();
  }

  private async beat(): Promise<void> {
    for await (const frames of this.hb) await this.hb.send(frames);
  }
}
