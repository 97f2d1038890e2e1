/**
 * Messages of the Jupyter protocol and their frames: pure encoding and decoding.
 * Wire layout: identities…, `<IDS|MSG>`, signature, header, parent header, metadata, content, buffers….
 */
import { randomUUID } from 'node:crypto';
import { BadMessage } from './bad-message';
import type { Signer } from './signature';

export const PROTOCOL_VERSION = '5.3';
const DELIMITER = '<IDS|MSG>';

export type Json = Record<string, unknown>;
export type Frame = string | Uint8Array;

export interface Header {
  msg_id: string;
  session: string;
  username: string;
  date: string;
  msg_type: string;
  version: string;
}

/** A message as received. `identities` route its reply. */
export interface Message {
  identities: Uint8Array[];
  header: Header;
  parentHeader: Json;
  metadata: Json;
  content: Json;
  buffers: Uint8Array[];
}

/** A message to be sent: in answer to `parent`, if any. */
export interface Outgoing {
  type: string;
  content: Json;
  parent?: Header;
  metadata?: Json;
  identities?: readonly Frame[];
  buffers?: readonly Uint8Array[];
}

/** The frames of `outgoing`, signed; `session` names this kernel process. Throws a TypeError for content that JSON cannot hold. */
export function encode(outgoing: Outgoing, session: string, signer: Signer): Frame[] {
  const header: Header = {
    msg_id: randomUUID(),
    session,
    username: 'kernel',
    date: new Date().toISOString(),
    msg_type: outgoing.type,
    version: PROTOCOL_VERSION,
  };
  const parts = [header, outgoing.parent ?? {}, outgoing.metadata ?? {}, outgoing.content].map((part) =>
    JSON.stringify(part),
  );
  return [
    ...(outgoing.identities ?? []),
    DELIMITER,
    signer.sign(parts),
    ...parts,
    ...(outgoing.buffers ?? []),
  ];
}

/** Reads the frames of one message. Throws BadMessage for a wrong signature, a replayed message, missing frames or bad JSON. */
export function decode(frames: readonly Uint8Array[], signer: Signer): Message {
  const delimiter = frames.findIndex((frame) => text(frame) === DELIMITER);
  const signature = frames[delimiter + 1];
  const parts = frames.slice(delimiter + 2, delimiter + 6);
  if (delimiter < 0 || signature === undefined || parts.length < 4)
    throw new BadMessage('frames are missing');
  signer.verify(text(signature), parts);
  const [header, parentHeader, metadata, content] = parts.map(parseObject) as [Json, Json, Json, Json];
  if (typeof header.msg_type !== 'string') throw new BadMessage('the header has no msg_type');
  return {
    identities: frames.slice(0, delimiter).map(copy),
    header: header as unknown as Header,
    parentHeader,
    metadata,
    content,
    buffers: frames.slice(delimiter + 6).map(copy),
  };
}

function parseObject(frame: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(text(frame));
  } catch {
    throw new BadMessage('a frame is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadMessage('a frame is not a JSON object');
  }
  return value as Json;
}

function text(frame: Uint8Array): string {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8');
}

// Frames are views of the socket's memory; a copy owns its bytes and crosses threads without taking more along.
function copy(frame: Uint8Array): Uint8Array {
  return Uint8Array.from(frame);
}
