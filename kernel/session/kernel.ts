/** The session: every request finds its handler here, framed by busy and idle. */
import { log } from '../wire/log';
import type { Json, Message } from '../wire/message';
import type { Wire } from '../wire/wire';
import { Comms } from './comms';
import { PACKAGE_NAME } from './compiler';
import { Evaluator } from './evaluator';
import { Execution, requireCount, requireString } from './execution';
import { ExecutionQueue, type Request } from './execution-queue';
import { History } from './history';
import { installHost } from './host';
import { Interrupts } from './interrupts';
import { complete, inspect, isComplete } from './introspection';
import { Output } from './output';
import { hideAsyncContext } from './plain-inspect';
import { exitProcess, guardProcess } from './process-guards';
import { captureStreams } from './process-streams';
import { resolvePackage } from './resolve-package';
import { Stacks } from './stacks';
import { formatError } from './traceback';
import { installTslabDisplay } from './tslab-display';

/** Makes the content of the reply; messages that are no requests have none. */
type Handler = (message: Message) => unknown;

/** Runs a session over `wire` until a client, or the end of the parent, shuts it down. */
export async function runKernel(wire: Wire): Promise<void> {
  const interrupts = new Interrupts(wire.stop);
  const output = new Output((...message) => wire.publish(...message));
  const history = new History();
  const comms = new Comms(output);
  const evaluator = new Evaluator(interrupts, wire.stop);
  const stacks = new Stacks(evaluator.cells);
  const execution = new Execution({ evaluator, interrupts, output, stacks, history });
  resolvePackage();
  const host = installHost(output, comms);
  installTslabDisplay(host);
  stacks.install();
  captureStreams(output);
  hideAsyncContext();
  guardProcess(output, stacks);
  process.on('SIGINT', () => {
    if (wire.stop.running !== 0) wire.stop.request();
    interrupts.heard();
  });
  await preload(execution);

  const dispatch = new Dispatcher(wire, output, {
    execute_request: (message) => execution.execute(message),
    complete_request: ({ content }) =>
      complete(evaluator, requireString(content, 'code'), requireCount(content, 'cursor_pos')),
    inspect_request: ({ content }) =>
      inspect(evaluator, requireString(content, 'code'), requireCount(content, 'cursor_pos')),
    is_complete_request: ({ content }) => isComplete(requireString(content, 'code')),
    history_request: ({ content }) => ({ status: 'ok', history: history.answer(content) }),
    comm_info_request: ({ content }) => comms.info(content.target_name),
    comm_open: (message) => comms.receive(message),
    comm_msg: (message) => comms.receive(message),
    comm_close: (message) => comms.receive(message),
  });
  wire.listen({
    request: (channel, message) => dispatch.receive({ channel, message }),
    interrupt: () => interrupts.heard(),
    shutdown: () => void shutDown(wire, interrupts),
  });
}

async function preload(execution: Execution): Promise<void> {
  const error = await execution.preload(`import * as hyperion from '${PACKAGE_NAME}';`);
  if (error) log(`cannot import ${PACKAGE_NAME}: ${error.traceback.join('\n')}`);
}

async function shutDown(wire: Wire, interrupts: Interrupts): Promise<void> {
  interrupts.cell?.interrupt();
  await wire.close();
  exitProcess(0);
}

class Dispatcher {
  private readonly queue = new ExecutionQueue(
    (request) => this.handle(request, (message) => this.execute(message)),
    (request) => this.handle(request, () => ({ status: 'aborted' })),
  );

  constructor(
    private readonly wire: Wire,
    private readonly output: Output,
    private readonly handlers: Record<string, Handler>,
  ) {}

  receive(request: Request): void {
    const type = request.message.header.msg_type;
    if (type === 'execute_request') this.queue.add(request);
    else void this.handle(request, Object.hasOwn(this.handlers, type) ? this.handlers[type]! : unknown);
  }

  private async execute(message: Message): Promise<Json> {
    const content = await this.attempt(message, this.handlers.execute_request!);
    await this.queue.conclude(message, content);
    return content;
  }

  private async handle({ channel, message }: Request, handler: Handler): Promise<void> {
    const { header } = message;
    this.wire.publish('status', { execution_state: 'busy' }, header);
    const content = await this.attempt(message, handler);
    this.output.flush();
    if (header.msg_type.endsWith('_request')) this.wire.reply(channel, message, content);
    this.wire.publish('status', { execution_state: 'idle' }, header);
  }

  private async attempt(message: Message, handler: Handler): Promise<Json> {
    try {
      return ((await handler(message)) ?? {}) as Json;
    } catch (error) {
      log(`cannot answer ${message.header.msg_type}`, error);
      return { status: 'error', ...formatError(error) };
    }
  }
}

function unknown({ header }: Message): never {
  throw new Error(`the kernel knows no message ${header.msg_type}`);
}
