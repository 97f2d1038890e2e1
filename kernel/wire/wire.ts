/** The main thread's side of the wire: starts the wire thread, sends through it and hears from it. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Connection } from './connection';
import { encode, type Header, type Json, type Message, type Outgoing } from './message';
import { Signer } from './signature';
import { StopFlag } from './stop-flag';
import type { FromWire, ReplyChannel, ToWire, WireOptions } from './thread-messages';

export interface WireEvents {
  request(channel: ReplyChannel, message: Message): void;
  interrupt(): void;
  shutdown(): void;
}

export class Wire {
  readonly stop = new StopFlag();
  /** Resolves when the sockets are bound. */
  readonly ready: Promise<void>;
  private readonly session = randomUUID();
  private readonly signer: Signer;
  private readonly thread: Worker;
  private readonly closed: Promise<void>;
  private events: WireEvents | undefined;
  private readonly early: FromWire[] = [];

  /** `failed` hears of a wire that cannot start (a port is taken) or go on: the kernel is then of no use. */
  constructor(connection: Connection, kernelInfo: Json, failed: (reason: string) => void) {
    this.signer = new Signer(connection.key, connection.algorithm);
    const workerData: WireOptions = {
      connection,
      session: this.session,
      stop: this.stop.memory,
      kernelInfo,
      parent: process.ppid,
    };
    this.thread = new Worker(join(__dirname, 'wire-thread.js'), { workerData });
    this.ready = this.hear('ready');
    this.closed = this.hear('closed');
    this.thread.on('message', (message: FromWire) => this.receive(message));
    this.thread.on('message', (message: FromWire) => message.kind === 'failed' && failed(message.reason));
    this.thread.once('error', (error) => failed(error.message));
  }

  /** From now on `events` is told; first of all what arrived before. */
  listen(events: WireEvents): void {
    this.events = events;
    for (const message of this.early.splice(0)) this.receive(message);
  }

  /** Answers a request on the channel that it came from. */
  reply(channel: ReplyChannel, { header, identities }: Message, content: Json): void {
    const type = header.msg_type.replace(/_request$/, '_reply');
    this.send(channel, { type, content, parent: header, identities });
  }

  /** Publishes to every client. Throws a TypeError for content that JSON cannot hold. */
  publish(
    type: string,
    content: Json,
    parent?: Header,
    extra?: Pick<Outgoing, 'metadata' | 'buffers'>,
  ): void {
    this.send('iopub', { type, content, parent, identities: [type], ...extra });
  }

  /** Resolves when everything sent has left and the sockets are closed. */
  async close(): Promise<void> {
    this.tell({ kind: 'close' });
    await this.closed;
  }

  private receive(message: FromWire): void {
    const { events } = this;
    if (events === undefined) this.early.push(message);
    else if (message.kind === 'request') events.request(message.channel, message.message);
    else if (message.kind === 'interrupt') events.interrupt();
    else if (message.kind === 'shutdown') events.shutdown();
  }

  private send(channel: ReplyChannel | 'iopub', outgoing: Outgoing): void {
    this.tell({ kind: 'send', channel, frames: encode(outgoing, this.session, this.signer) });
  }

  private tell(message: ToWire): void {
    this.thread.postMessage(message);
  }

  private hear(kind: FromWire['kind']): Promise<void> {
    return new Promise((resolve) => {
      this.thread.on('message', (message: FromWire) => message.kind === kind && resolve());
    });
  }
}
