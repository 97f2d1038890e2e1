/** The frames of messages, their signatures, and connection files, as pure functions. */
import { describe, expect, test } from 'vitest';
import { BadMessage } from '../../kernel/wire/bad-message';
import { address, CHANNELS, parseConnection } from '../../kernel/wire/connection';
import { decode, encode, type Frame, PROTOCOL_VERSION } from '../../kernel/wire/message';
import { Signer } from '../../kernel/wire/signature';

const bytes = (frames: Frame[]) => frames.map((frame) => Buffer.from(frame as string));
const outgoing = { type: 'execute_request', content: { code: '1 + "é 😀"' } };
const fresh = () => new Signer('secret');

describe('message', () => {
  test('comes back as it was sent', () => {
    const [identities, buffers] = [[Buffer.from([0, 1])], [Uint8Array.from([1, 2, 255])]];
    const frames = encode({ ...outgoing, identities, buffers, metadata: { a: 1 } }, 'session', fresh());
    const message = decode(bytes(frames), fresh());
    expect(message.header).toMatchObject({
      msg_type: 'execute_request',
      session: 'session',
      version: PROTOCOL_VERSION,
    });
    expect(message).toMatchObject({ content: outgoing.content, metadata: { a: 1 }, parentHeader: {} });
    expect(message.identities.map((identity) => [...identity])).toEqual([[0, 1]]);
    expect(message.buffers.map((buffer) => [...buffer])).toEqual([[1, 2, 255]]);
  });

  test('carries the header that it answers', () => {
    const request = decode(bytes(encode(outgoing, 'client', fresh())), fresh());
    const reply = encode({ type: 'execute_reply', content: {}, parent: request.header }, 'kernel', fresh());
    expect(decode(bytes(reply), fresh()).parentHeader).toEqual(request.header);
  });

  test.each([
    ['a wrong signature', (frames: Frame[]) => frames.with(1, 'a'.repeat(64))],
    ['a short signature', (frames: Frame[]) => frames.with(1, 'a')],
    ['changed content', (frames: Frame[]) => frames.with(5, '{"code":"2"}')],
    ['missing frames', (frames: Frame[]) => frames.slice(0, 4)],
    ['no delimiter', (frames: Frame[]) => frames.slice(1)],
    ['no frames', () => []],
  ])('is refused for %s', (_, change) => {
    const frames = change(encode(outgoing, 'session', fresh()));
    expect(() => decode(bytes(frames), fresh())).toThrow(BadMessage);
  });

  test.each([['{'], ['[]'], ['null'], ['3']])('is refused when its content is %s', (content) => {
    const frames = encode(outgoing, 'session', new Signer(''));
    expect(() => decode(bytes(frames.with(5, content)), new Signer(''))).toThrow(BadMessage);
  });

  test('is refused without a type', () => {
    const frames = encode(outgoing, 'session', new Signer(''));
    expect(() => decode(bytes(frames.with(2, '{}')), new Signer(''))).toThrow('msg_type');
  });

  test('is refused when it is replayed', () => {
    const signer = fresh();
    const frames = bytes(encode(outgoing, 'session', signer));
    decode(frames, signer);
    expect(() => decode(frames, signer)).toThrow('received before');
  });

  test('needs no signature without a key', () => {
    const frames = encode(outgoing, 'session', new Signer(''));
    expect(frames[1]).toBe('');
    expect(decode(bytes(frames), new Signer('')).content).toEqual(outgoing.content);
  });

  test('is signed as the protocol says', () => {
    // python: hmac.new(b'secret', b'{}' * 4, 'sha256').hexdigest()
    expect(fresh().sign(['{}', '{}', '{}', '{}'])).toBe(SIGNATURE_OF_EMPTY);
  });
});

const SIGNATURE_OF_EMPTY = '34982f0bfec60e7b933ffde06c1ecab0fba073717a95ab943d1dd06f82c2d5e4';

describe('connection file', () => {
  const ports = Object.fromEntries(CHANNELS.map((channel, index) => [`${channel}_port`, 5000 + index]));

  test('gives an address per channel', () => {
    const connection = parseConnection({ ...ports, ip: '127.0.0.1', transport: 'tcp', key: 'k' });
    expect(address(connection, 'shell')).toBe('tcp://127.0.0.1:5000');
    expect(address({ ...connection, transport: 'ipc', ip: '/tmp/k' }, 'hb')).toBe('ipc:///tmp/k-5004');
    expect(connection).toMatchObject({ key: 'k', algorithm: 'sha256' });
  });

  test.each([
    ['a missing port', { hb_port: undefined }, 'hb_port'],
    ['a port that is none', { shell_port: 70_000 }, 'shell_port'],
    ['another transport', { transport: 'udp' }, 'udp'],
    ['another scheme', { signature_scheme: 'rot13' }, 'rot13'],
  ])('is refused for %s', (_, change, named) => {
    expect(() => parseConnection({ ...ports, ...change })).toThrow(named);
  });
});
