/**
 * The thread that owns the sockets. It answers what must be answered while the main thread is busy — heartbeat,
 * kernel_info, interrupt, shutdown — and passes everything else on.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { log } from './log';
import { decode, encode, type Json, type Message, type Outgoing } from './message';
import { watchParent } from './parent';
import { Signer } from './signature';
import { Sockets } from './sockets';
import { StopFlag } from './stop-flag';
import type { FromWire, ReplyChannel, ToWire, WireOptions } from './thread-messages';

// A loop that was compiled with a check, or an idle event loop, acknowledges within a few ms; otherwise force is used.
const FORCE_AFTER_MS = 10;
const KILL_AFTER_MS = 1500;

const { connection, session, stop: memory, kernelInfo, parent } = workerData as WireOptions;
const signer = new Signer(connection.key, connection.algorithm);
const sockets = new Sockets();
const stop = new StopFlag(memory);

// Ending this thread by an exception would tear ZeroMQ down while it works: the main thread ends the process.
start().catch((error: Error) => tellMain({ kind: 'failed', reason: error.message }));

async function start(): Promise<void> {
  await sockets.bind(connection);
  parentPort!.on('message', receiveFromMain);
  publishStatus('starting');
  void serve('shell');
  void serve('control');
  watchParent(parent, shutDown);
  tellMain({ kind: 'ready' });
}

async function serve(channel: ReplyChannel): Promise<void> {
  for await (const frames of sockets.receive(channel)) {
    try {
      dispatch(channel, decode(frames, signer));
    } catch (error) {
      log(`dropped a message on ${channel}: ${(error as Error).message}`);
    }
  }
}

function dispatch(channel: ReplyChannel, message: Message): void {
  const type = message.header.msg_type;
  if (type === 'kernel_info_request') {
    answer(channel, message, kernelInfo);
  } else if (type === 'interrupt_request') {
    interrupt();
    answer(channel, message, { status: 'ok' });
  } else if (type === 'shutdown_request') {
    answer(channel, message, { status: 'ok', restart: message.content.restart === true });
    shutDown();
  } else {
    tellMain({ kind: 'request', channel, message });
  }
}

function answer(channel: ReplyChannel, { header, identities }: Message, content: Json): void {
  publishStatus('busy', header);
  send(channel, {
    type: header.msg_type.replace(/_request$/, '_reply'),
    content,
    parent: header,
    identities,
  });
  publishStatus('idle', header);
}

/** Asks first; a synchronous call that reads neither flag nor messages is then broken by SIGINT (see Evaluator). */
function interrupt(): void {
  const { running } = stop;
  const request = stop.request();
  tellMain({ kind: 'interrupt' });
  setTimeout(() => {
    if (stop.acknowledged(request) || stop.running !== running) return;
    if (running === 0) stop.requestEverything();
    else process.kill(process.pid, 'SIGINT');
  }, FORCE_AFTER_MS);
}

function shutDown(): void {
  stop.request();
  stop.requestEverything();
  tellMain({ kind: 'shutdown' });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), KILL_AFTER_MS);
}

function receiveFromMain(message: ToWire): void {
  if (message.kind === 'send') sockets.send(message.channel, message.frames);
  else void sockets.close().then(() => tellMain({ kind: 'closed' }));
}

function publishStatus(execution_state: string, parentHeader?: Message['header']): void {
  send('iopub', {
    type: 'status',
    content: { execution_state },
    parent: parentHeader,
    identities: ['status'],
  });
}

function send(channel: ReplyChannel | 'iopub', outgoing: Outgoing): void {
  sockets.send(channel, encode(outgoing, session, signer));
}

function tellMain(message: FromWire): void {
  parentPort!.postMessage(message);
}
