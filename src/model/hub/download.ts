/** One file from the hub to its place: goes on where an earlier download stopped, and is there only when its content is right. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { HyperionError } from '../../errors';
import { ioError } from '../../io';
import type { Answer, HubClient } from './client';
import { contentHash } from './content-hash';
import type { HubFile } from './listing';
import { BrokenConnection } from './persist';
import type { Place } from './place';
import { claim, release } from './unfinished';

/** Wrong content may be a disk or a proxy that erred once. */
const TRIES = 2;

/**
 * Downloads a file, and checks its content.
 *
 * @param onBytes called with how much of the file is there
 * @throws HyperionError `CORRUPT` when the content is wrong twice, and nothing of it is kept; `IO`, `CANCELLED`, and what has come
 *   is kept for the next pull
 */
export async function download(
  client: HubClient,
  url: string,
  file: HubFile,
  place: Place,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const path = await claim(place.stem(file)).catch((error) => {
      throw ioError(place.stem(file), error, 'write');
    });
    try {
      if ((await fill(client, url, file, path, onBytes)) === file.oid) return await place.accept(file, path);
      await rm(path);
    } catch (error) {
      release(path);
      throw error instanceof HyperionError ? error : ioError(path, error, 'write');
    }
  }
  throw new HyperionError(
    'CORRUPT',
    `${file.path} came with other content than ${file.oid.slice(0, 12)}…, the hash that the hub gives for it, ${TRIES} times; ` +
      'nothing of it was kept, pull again later or from another HF_ENDPOINT',
    { path: file.path },
  );
}

/** Brings the file at `path` to its full size. Gives the hash of what is in it then. */
async function fill(
  client: HubClient,
  url: string,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    const hash = contentHash(file);
    let done = 0;
    const take = (bytes: Uint8Array) => {
      hash.update(bytes);
      done += bytes.length;
      onBytes(done);
    };
    if ((await handle.stat()).size > file.bytes) await handle.truncate();
    for await (const bytes of contentOf(handle)) {
      client.checkCancelled();
      take(bytes);
    }

    const rest = () =>
      client.get(url, { Range: `bytes=${done}-` }, async (answer) => {
        for await (const bytes of from(done, file, answer)) {
          await writeAll(handle, bytes, done);
          take(bytes);
        }
        if (done < file.bytes) throw new BrokenConnection('the connection ended early');
      });
    if (done < file.bytes) await client.persist(rest, () => done);
    // The cache trusts a blob by its name alone: it must be on the disk before it has one.
    await handle.sync();
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/** The bytes from `start` to the file's end, whether or not the server has sent those before. */
async function* from(start: number, file: HubFile, { status, headers, chunks }: Answer) {
  const given = /^bytes (\d+)-/.exec(headers.get('Content-Range') ?? '')?.[1];
  let position = status === 206 ? Number(given) : 0;
  if (!(position <= start))
    throw new HyperionError(
      'BAD_FORMAT',
      `the server was asked for ${file.path} from byte ${start} on, and answered from ${given}`,
    );
  for await (const chunk of chunks) {
    const bytes = chunk.subarray(Math.max(0, start - position), file.bytes - position);
    position += chunk.length;
    if (bytes.length > 0) yield bytes;
    if (position >= file.bytes) return;
  }
}

const READ_BYTES = 2 ** 20;

/** What the file holds already. */
async function* contentOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(READ_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
