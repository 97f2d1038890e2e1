/** What the main thread and the wire thread say to each other. */
import type { Connection } from './connection';
import type { Frame, Json, Message } from './message';

export type ReplyChannel = 'shell' | 'control';

export type ToWire =
  | { kind: 'send'; channel: ReplyChannel | 'iopub'; frames: Frame[] }
  /** Send what is queued, close the sockets, answer `closed`. */
  | { kind: 'close' };

export type FromWire =
  | { kind: 'ready' }
  /** The sockets cannot be opened, e.g. a port is taken. */
  | { kind: 'failed'; reason: string }
  | { kind: 'request'; channel: ReplyChannel; message: Message }
  | { kind: 'interrupt' }
  /** Asked by a client, or the parent is gone. The process is killed if it does not end by itself soon. */
  | { kind: 'shutdown' }
  | { kind: 'closed' };

/** What the wire thread starts with. */
export interface WireOptions {
  connection: Connection;
  /** The kernel's session, in every header that it sends. */
  session: string;
  stop: SharedArrayBuffer;
  kernelInfo: Json;
  /** The process that started the kernel. */
  parent: number;
}
