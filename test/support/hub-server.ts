/**
 * A hub on loopback: model info, listings in pages, small files from the hub itself and large ones by a redirect to a second host, as
 * the real one does it. It notes what is asked, and can be told to fail.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { temporaryFolder } from './temporary';

export type Files = Readonly<Record<string, Buffer | string>>;

export interface Fault {
  /** how many answers it concerns; all when it is left out */
  times?: number;
  /** refuses with these instead of giving the file */
  status?: number;
  headers?: Record<string, string>;
  /** sends the file up to this byte, and then nothing until `drop` */
  holdAt?: number;
  /** sends the whole file whatever range is asked */
  ignoreRange?: boolean;
  /** sends other bytes */
  corrupt?: boolean;
}

export interface Asked {
  readonly host: 'hub' | 'storage';
  readonly path: string;
  readonly authorization: string | undefined;
  /** first byte of the range */
  readonly start: number;
}

const PAGE = 3;

export class HubServer {
  readonly asked: Asked[] = [];
  /** changes a listing before it is sent */
  editListing = (entries: Record<string, unknown>[]) => entries;
  /** where a listing goes on, when not at this server */
  nextPageHost: string | undefined;
  readonly #repositories = new Map<string, Map<string, Map<string, Buffer>>>();
  readonly #refs = new Map<string, string>();
  readonly #faults = new Map<string, Fault>();
  readonly #held = new Set<ServerResponse>();
  readonly #hub = createServer((request, response) => this.#answer('hub', request, response));
  readonly #storage = createServer((request, response) => this.#answer('storage', request, response));

  /** Starts the server, and points the environment at it, with an empty cache, for the time of the test. */
  static async start(repositories: Readonly<Record<string, Files>>): Promise<HubServer> {
    const server = new HubServer();
    for (const [name, files] of Object.entries(repositories)) server.commit(name, 'main', files);
    await Promise.all([listen(server.#hub), listen(server.#storage)]);
    const environment = { HF_ENDPOINT: server.url, HF_HOME: temporaryFolder(), ...NOTHING_ELSE };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      server.close();
    });
    return server;
  }

  get url(): string {
    return address(this.#hub);
  }

  get storageUrl(): string {
    return address(this.#storage);
  }

  /** Adds a commit, and moves the branch to it. Gives its hash. */
  commit(name: string, branch: string, files: Files): string {
    const content = new Map(Object.entries(files).map(([path, data]) => [path, Buffer.from(data)]));
    const hash = createHash('sha1');
    for (const [path, data] of content) hash.update(`${path} ${oidOf(data)}\n`);
    const commit = hash.digest('hex');
    const commits = this.#repositories.get(name) ?? new Map<string, Map<string, Buffer>>();
    this.#repositories.set(name, commits.set(commit, content));
    this.#refs.set(`${name}@${branch}`, commit);
    return commit;
  }

  /** Answers about a path fail from now on: that of a file, or 'info' or 'tree'. */
  fail(path: string, fault: Fault): void {
    this.#faults.set(path, fault);
  }

  /** Cuts the connections that are held. */
  drop(): void {
    for (const response of this.#held) response.destroy();
    this.#held.clear();
  }

  /** Requests for the content of a file. */
  requestsFor(path: string): Asked[] {
    return this.asked.filter((asked) => asked.host === 'storage' && asked.path === path);
  }

  close(): void {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      server.close();
    }
  }

  #answer(host: Asked['host'], request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url);
    const [, name, kind, revision, rest = ''] =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(revision|tree|resolve)\/([^/]+)\/?(.*)$/.exec(url.pathname) ??
      [];
    const what = { revision: 'info', tree: 'tree' }[kind!] ?? decodeURIComponent(rest);
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    this.asked.push({ host, path: what, authorization: request.headers.authorization, start });

    const refused = this.#takeFault(what, ({ status }) => status !== undefined);
    const commits = this.#repositories.get(name!);
    const commit = this.#refs.get(`${name}@${decodeURIComponent(revision!)}`) ?? revision!;
    const files = commits?.get(commit);
    const content = files?.get(what);
    if (refused) refuse(response, refused.status!, refused.headers);
    else if (!commits) refuse(response, 401, { 'X-Error-Code': 'RepoNotFound' });
    else if (!files) refuse(response, 404, { 'X-Error-Code': 'RevisionNotFound' });
    else if (what === 'info') sendJson(response, { _id: '1', id: name, sha: commit, lastModified: 0 });
    else if (what === 'tree') this.#list(response, url, files);
    else if (!content) refuse(response, 404, { 'X-Error-Code': 'EntryNotFound' });
    else {
      response.setHeader('X-Repo-Commit', commit);
      if (host === 'hub' && isLarge(content)) this.#redirect(response, url.pathname, content);
      else this.#send(request, response, content, start, what);
    }
  }

  #redirect(response: ServerResponse, path: string, content: Buffer): void {
    response.writeHead(302, {
      'X-Linked-ETag': `"${oidOf(content)}"`,
      'X-Linked-Size': content.length,
      Location: `${this.storageUrl}${path}?signature=1`,
    });
    response.end();
  }

  #takeFault(path: string, isMeant = (_: Fault) => true): Fault | undefined {
    const fault = this.#faults.get(path);
    if (!fault || !isMeant(fault)) return undefined;
    if (fault.times !== undefined) {
      fault.times -= 1;
      if (fault.times === 0) this.#faults.delete(path);
    }
    return fault;
  }

  #list(response: ServerResponse, url: URL, files: ReadonlyMap<string, Buffer>): void {
    const entries = this.editListing([
      { type: 'directory', path: 'folder', size: 0, oid: '0'.repeat(40) },
      ...[...files].map(([path, data]) => {
        const entry = { type: 'file', path, size: data.length, oid: gitOid(data) };
        return isLarge(data)
          ? { ...entry, lfs: { oid: oidOf(data), size: data.length, pointerSize: 130 } }
          : entry;
      }),
    ]);
    const from = Number(url.searchParams.get('cursor') ?? 0);
    if (from + PAGE < entries.length) {
      url.searchParams.set('cursor', String(from + PAGE));
      const next = this.nextPageHost ? `${this.nextPageHost}${url.pathname}${url.search}` : url.href;
      response.setHeader('Link', `<${next}>; rel="next"`);
    }
    sendJson(response, entries.slice(from, from + PAGE));
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    content: Buffer,
    asked: number,
    path: string,
  ): void {
    const { holdAt, ignoreRange, corrupt } = this.#takeFault(path) ?? {};
    const isPart = request.headers.range !== undefined && !ignoreRange;
    const start = isPart ? asked : 0;
    const data = corrupt ? content.map((byte) => byte ^ 1) : content;
    response.setHeader('ETag', `"${oidOf(content)}"`);
    response.setHeader('Content-Length', content.length - start);
    if (isPart) response.setHeader('Content-Range', `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(isPart ? 206 : 200);
    if (request.method === 'HEAD') response.end();
    else if (holdAt === undefined) response.end(data.subarray(start));
    else {
      this.#held.add(response);
      response.flushHeaders();
      response.write(data.subarray(start, Math.max(start, holdAt)));
    }
  }
}

/** A folder's files, as a repository. */
export function filesOf(folder: string): Record<string, Buffer> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

/** Variables of the machine that would have a say in a test. */
const NOTHING_ELSE = Object.fromEntries(
  ['HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE'].map((name) => [
    name,
    undefined,
  ]),
);

const LARGE = 10_000;

function isLarge(data: Buffer): boolean {
  return data.length > LARGE;
}

/** How the hub names a file's content. */
export function oidOf(data: Buffer): string {
  return isLarge(data) ? createHash('sha256').update(data).digest('hex') : gitOid(data);
}

function gitOid(data: Buffer): string {
  return createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end('refused');
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
