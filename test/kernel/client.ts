/** A Jupyter client over real sockets, for tests: starts the kernel as a process and speaks the protocol to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Request, Subscriber } from 'zeromq';
import { CHANNELS } from '../../kernel/wire/connection';
import { decode, encode, type Frame, type Json, type Message } from '../../kernel/wire/message';
import { Signer } from '../../kernel/wire/signature';

export const MAIN = join(__dirname, '..', '..', 'dist', 'kernel', 'main.js');
// Kernels are processes that load a compiler: on a busy machine that takes a while.
const DEADLINE_MS = 45_000;

/** What came of a request: its reply, and what was published for it until idle. */
export interface Exchange {
  reply: Message;
  published: Message[];
}

export interface StartOptions {
  key?: string;
  /** Where the notebook is; an empty folder unless given. */
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

export class Client {
  readonly session = randomUUID();
  readonly published: Message[] = [];
  private readonly replies: Message[] = [];
  private readonly shell = new Dealer({ linger: 0, routingId: randomUUID() });
  private readonly control = new Dealer({ linger: 0, routingId: randomUUID() });
  private readonly iopub = new Subscriber({ linger: 0 });
  private readonly hb = new Request({ linger: 0 });
  private readonly listeners = new Set<() => void>();
  readonly exited: Promise<number | null>;
  /** Standard error of the process. */
  log = '';

  private readonly signer: Signer;
  private readonly verifier: Signer;

  private constructor(
    readonly folder: string,
    connection: Record<string, unknown>,
    key: string,
    readonly process?: ChildProcess,
  ) {
    // Two, since each remembers what it has seen.
    [this.signer, this.verifier] = [new Signer(key), new Signer(key)];
    const address = (channel: string) => `tcp://127.0.0.1:${connection[`${channel}_port`]}`;
    this.shell.connect(address('shell'));
    this.control.connect(address('control'));
    this.hb.connect(address('hb'));
    this.iopub.connect(address('iopub'));
    this.iopub.subscribe();
    this.process?.stderr?.on('data', (text) => {
      this.log += text;
    });
    this.exited = new Promise((resolve) => this.process?.once('exit', resolve));
    void this.collect(this.shell, this.replies);
    void this.collect(this.control, this.replies);
    void this.collect(this.iopub, this.published);
  }

  /** Starts a kernel and waits until it answers and is heard. */
  static async start(options: StartOptions = {}): Promise<Client> {
    const client = await Client.spawn(options);
    await client.ready();
    return client;
  }

  /** Starts a kernel; it may not listen yet. */
  static async spawn({ key = randomUUID(), cwd, env }: StartOptions = {}): Promise<Client> {
    const folder = mkdtempSync(join(tmpdir(), 'hyperion-kernel-'));
    const { file, connection } = await connectionFile(folder, key);
    const child = spawn(process.execPath, [MAIN, file], {
      cwd: cwd ?? mkdtempSync(join(folder, 'empty-')),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Client(folder, connection, key, child);
  }

  /** A client of a kernel that somebody else started. */
  static connect(connection: Record<string, unknown>, key: string): Client {
    return new Client('', connection, key);
  }

  /** Waits for the kernel's first answer, and for its publications to arrive. */
  async ready(): Promise<void> {
    for (;;) {
      const { header } = await this.request('kernel_info_request');
      const isHeard = await this.until(
        () => this.published.some((message) => message.parentHeader.msg_id === header.msg_id),
        200,
      );
      if (isHeard) return;
    }
  }

  /** Runs code and waits for its reply and for idle. */
  execute(code: string, content: Json = {}): Promise<Exchange> {
    return this.exchange('execute_request', { code, ...content });
  }

  async exchange(
    type: string,
    content: Json = {},
    channel: 'shell' | 'control' = 'shell',
  ): Promise<Exchange> {
    const id = this.send(type, content, { channel });
    return this.finished(id);
  }

  /** The exchange of a request that was sent as `id`. */
  async finished(id: string): Promise<Exchange> {
    const reply = await this.replyTo(id);
    await this.wait(`idle of ${reply.header.msg_type}`, () => this.of(id).some(isIdle));
    return { reply, published: this.of(id) };
  }

  /** Sends a request and returns its content of reply, as soon as it is there. */
  async request(
    type: string,
    content: Json = {},
    channel: 'shell' | 'control' = 'shell',
  ): Promise<Message & { header: { msg_id: string } }> {
    const id = this.send(type, content, { channel });
    const reply = await this.replyTo(id);
    return { ...reply, header: { ...reply.header, msg_id: id } };
  }

  async replyTo(id: string): Promise<Message> {
    const find = () => this.replies.find((message) => message.parentHeader.msg_id === id);
    await this.wait(`the reply to ${id}`, () => find() !== undefined);
    return find()!;
  }

  /** Sends a message and returns its id. */
  send(
    type: string,
    content: Json = {},
    {
      channel = 'shell',
      buffers = [] as Uint8Array[],
    }: { channel?: 'shell' | 'control'; buffers?: Uint8Array[] } = {},
  ): string {
    const frames = encode({ type, content, buffers }, this.session, this.signer);
    this.sendFrames(frames, channel);
    return idOf(frames);
  }

  private readonly sending = { shell: Promise.resolve(), control: Promise.resolve() };
  sendFrames(frames: Frame[], channel: 'shell' | 'control' = 'shell'): void {
    this.sending[channel] = this.sending[channel].then(() => this[channel].send(frames));
  }

  /** What was published in answer to the message `id`. */
  of(id: string): Message[] {
    return this.published.filter((message) => message.parentHeader.msg_id === id);
  }

  async beat(text: string): Promise<string> {
    await this.hb.send(text);
    const [frame] = await this.hb.receive();
    return String(frame);
  }

  /** Waits until `condition` holds; it is asked whenever a message arrives. */
  async wait(what: string, condition: () => boolean): Promise<void> {
    if (!(await this.until(condition, DEADLINE_MS))) {
      throw new Error(`waited in vain for ${what}; the kernel's log: ${this.log}`);
    }
  }

  async close(): Promise<void> {
    this.process?.kill('SIGKILL');
    await this.exited;
    this.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  disconnect(): void {
    for (const socket of [this.shell, this.control, this.iopub, this.hb]) socket.close();
  }

  private until(condition: () => boolean, deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (value: boolean) => {
        clearTimeout(timer);
        this.listeners.delete(check);
        resolve(value);
      };
      const check = () => condition() && finish(true);
      const timer = setTimeout(() => finish(false), deadline);
      this.listeners.add(check);
      check();
    });
  }

  private async collect(socket: AsyncIterable<Uint8Array[]>, into: Message[]): Promise<void> {
    for await (const frames of socket) {
      into.push(decode(frames, this.verifier));
      for (const listener of [...this.listeners]) listener();
    }
  }
}

/** Writes a connection file with free ports. */
export async function connectionFile(
  folder: string,
  key: string,
): Promise<{ file: string; connection: Record<string, unknown> }> {
  const ports = await freePorts(CHANNELS.length);
  const connection = {
    transport: 'tcp',
    ip: '127.0.0.1',
    key,
    signature_scheme: 'hmac-sha256',
    ...Object.fromEntries(CHANNELS.map((channel, index) => [`${channel}_port`, ports[index]])),
  };
  const file = join(folder, 'connection.json');
  writeFileSync(file, JSON.stringify(connection));
  return { file, connection };
}

/** The id of encoded frames that have no identities. */
export function idOf(frames: Frame[]): string {
  return (JSON.parse(String(frames[2])) as { msg_id: string }).msg_id;
}

export function isIdle({ header, content }: Message): boolean {
  return header.msg_type === 'status' && content.execution_state === 'idle';
}

/** The contents of the messages of one type. */
export function contents(messages: readonly Message[], type: string): Json[] {
  return messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
}

/** What was printed to a stream. */
export function printed(messages: readonly Message[], name: 'stdout' | 'stderr' = 'stdout'): string {
  return contents(messages, 'stream')
    .filter((content) => content.name === name)
    .map((content) => content.text)
    .join('');
}

/** The text of the last value, if one was shown. */
export function result(messages: readonly Message[]): unknown {
  const [content] = contents(messages, 'execute_result');
  return (content?.data as Json | undefined)?.['text/plain'];
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
