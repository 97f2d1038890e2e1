/** Comms: channels between a front end and code in the kernel, opened by either side. */
import { randomUUID } from 'node:crypto';
import type { Json, Message } from '../wire/message';
import { Cell, currentCell } from './cell';
import type { Output } from './output';
import { formatError } from './traceback';

export type CommHandler = (data: unknown, buffers: readonly Uint8Array[]) => void;
export type CommTarget = (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void;

export interface Comm {
  readonly id: string;
  readonly target: string;
  /** Called for each message and at the end by the other side. */
  onMessage: CommHandler;
  onClose: CommHandler;
  /** `data` is JSON; buffers are bytes beside it. */
  send(data: unknown, buffers?: readonly Uint8Array[]): void;
  close(data?: unknown): void;
}

export class Comms {
  private readonly targets = new Map<string, CommTarget>();
  private readonly open = new Map<string, Comm>();

  constructor(private readonly output: Output) {}

  /** Front ends may open comms of this name from now on. */
  register(target: string, opened: CommTarget): void {
    this.targets.set(target, opened);
  }

  /** Opens a comm to the front end. */
  connect(target: string, data: unknown = {}, buffers?: readonly Uint8Array[]): Comm {
    const comm = this.create(randomUUID(), target);
    this.output.publish('comm_open', { comm_id: comm.id, target_name: target, data }, undefined, { buffers });
    return comm;
  }

  /** Content of a comm_info_reply: the open comms, of one target if it is given. */
  info(target: unknown): Json {
    const chosen = [...this.open.values()].filter((comm) => !target || comm.target === target);
    const comms = Object.fromEntries(chosen.map((comm) => [comm.id, { target_name: comm.target }]));
    return { status: 'ok', comms };
  }

  /** comm_open, comm_msg or comm_close from a front end. What its handler prints or throws belongs to the message. */
  receive(message: Message): void {
    currentCell.run(new Cell(0, 0, message.header), () => {
      try {
        this.deliver(message);
      } catch (error) {
        this.output.print('stderr', `${formatError(error).traceback.join('\n')}\n`);
      }
    });
  }

  private deliver({ header, content, buffers }: Message): void {
    const id = String(content.comm_id);
    const { data } = content;
    const comm = this.open.get(id);
    switch (header.msg_type) {
      case 'comm_open':
        this.opened(id, String(content.target_name), data, buffers);
        break;
      case 'comm_msg':
        comm?.onMessage(data, buffers);
        break;
      default:
        this.open.delete(id);
        comm?.onClose(data, buffers);
    }
  }

  private opened(id: string, target: string, data: unknown, buffers: readonly Uint8Array[]): void {
    const handler = this.targets.get(target);
    // The protocol's answer to a target that is not known.
    if (handler) handler(this.create(id, target), data, buffers);
    else this.output.publish('comm_close', { comm_id: id, data: {} });
  }

  private create(id: string, target: string): Comm {
    const comm: Comm = {
      id,
      target,
      onMessage: () => {},
      onClose: () => {},
      send: (data, buffers) => this.output.publish('comm_msg', { comm_id: id, data }, undefined, { buffers }),
      close: (data = {}) => {
        if (this.open.delete(id)) this.output.publish('comm_close', { comm_id: id, data });
      },
    };
    this.open.set(id, comm);
    return comm;
  }
}
