/** The connection file that Jupyter hands to a kernel: where to listen and how to sign. */
import { readFileSync } from 'node:fs';

export const CHANNELS = ['shell', 'control', 'iopub', 'stdin', 'hb'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Connection {
  transport: 'tcp' | 'ipc';
  ip: string;
  key: string;
  /** The digest, e.g. `sha256`. */
  algorithm: string;
  ports: Record<Channel, number>;
}

/** Reads and checks a connection file. Throws an Error with a sentence for the user. */
export function readConnection(file: string): Connection {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`cannot read the connection file ${file}: ${(error as Error).message}`);
  }
  return parseConnection(json);
}

export function parseConnection(json: Record<string, unknown>): Connection {
  const { transport = 'tcp', ip = '127.0.0.1', key = '', signature_scheme: scheme = 'hmac-sha256' } = json;
  if (transport !== 'tcp' && transport !== 'ipc') {
    throw new Error(`the connection file asks for transport '${String(transport)}'; known are tcp and ipc`);
  }
  const digest = /^hmac-(\w+)$/.exec(String(scheme))?.[1];
  if (digest === undefined) throw new Error(`the connection file's signature_scheme is '${String(scheme)}'`);
  const ports = Object.fromEntries(CHANNELS.map((channel) => [channel, port(json, channel)]));
  return {
    transport,
    ip: String(ip),
    key: String(key),
    algorithm: digest,
    ports: ports as Record<Channel, number>,
  };
}

/** The ZeroMQ address of one channel. */
export function address({ transport, ip, ports }: Connection, channel: Channel): string {
  return `${transport}://${ip}${transport === 'tcp' ? ':' : '-'}${ports[channel]}`;
}

function port(json: Record<string, unknown>, channel: Channel): number {
  const value = json[`${channel}_port`];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new Error(`the connection file has no usable ${channel}_port`);
  }
  return value;
}
