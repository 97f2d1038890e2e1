/** Requests to the hub: with the token where it belongs, ended when nothing comes, and refusals put into words. */
import { HyperionError } from '../../errors';
import { formatDuration } from '../../units';
import { ATTEMPTS, BrokenConnection, persist } from './persist';
import type { HubReference } from './reference';
import { refusal } from './refusal';
import type { HubSettings } from './settings';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What one pull asks of the hub. */
export class HubClient {
  readonly endpoint: string;

  constructor(
    private readonly settings: HubSettings,
    private readonly reference: HubReference,
    readonly signal: AbortSignal,
  ) {
    this.endpoint = settings.endpoint;
  }

  /** `fetch` as the hub's library calls it: the answer is there as a whole, and asked for again when a connection broke. */
  readonly fetch: typeof fetch = async (input) => {
    const url = String(input instanceof Request ? input.url : input);
    return this.persist(() =>
      this.get(url, {}, async ({ chunks, headers }) => {
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk);
        return new Response(Buffer.concat(parts), { headers });
      }),
    );
  };

  /** Goes on with `attempt` over broken connections. @throws HyperionError `IO` when it is no use, `CANCELLED` */
  async persist<T>(attempt: () => Promise<T>, progress?: () => number): Promise<T> {
    try {
      return await persist(attempt, this.signal, progress);
    } catch (error) {
      this.checkCancelled();
      if (!(error instanceof BrokenConnection)) throw error;
      const { host } = new URL(this.endpoint);
      throw new HyperionError(
        'IO',
        `cannot get ${this.reference.repo} from ${host}: ${error.reason}, ${ATTEMPTS} times in a row; try again later, it ` +
          'goes on where it stopped (with HF_HUB_OFFLINE=1 what the cache holds is used)',
        { repo: this.reference.repo },
        { cause: error },
      );
    }
  }

  /**
   * One request. The connection ends when `use` does.
   *
   * @throws BrokenConnection when another attempt may do better; HyperionError when the server refuses, or `CANCELLED`
   */
  async get<T>(
    url: string,
    headers: Record<string, string>,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.signal, stop.signal]);
    try {
      const request = fetch(url, { headers: { ...headers, ...this.#authorization(url) }, signal });
      const response = await this.#inTime(request, stop);
      if (!response.ok) throw refusal(response, this.reference, this.settings.token !== undefined);
      return await use({
        status: response.status,
        headers: response.headers,
        chunks: this.#chunks(response, stop),
      });
    } finally {
      stop.abort();
    }
  }

  /** @throws HyperionError `CANCELLED` when the pull is to end */
  checkCancelled(): void {
    if (!this.signal.aborted) return;
    const { repo } = this.reference;
    throw new HyperionError(
      'CANCELLED',
      `pulling ${repo} was cancelled; pulling again goes on where it stopped`,
      { repo },
      { cause: this.signal.reason },
    );
  }

  /** Only the hub gets the token: not where a listing's next page may point. A redirect to another host drops it by itself. */
  #authorization(url: string): Record<string, string> {
    const { token } = this.settings;
    const isHub = new URL(url).origin === new URL(this.endpoint).origin;
    return token && isHub ? { Authorization: `Bearer ${token}` } : {};
  }

  async *#chunks(response: Response, stop: AbortController): AsyncGenerator<Uint8Array> {
    if (!response.body) return;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await this.#inTime(reader.read(), stop);
      if (done) return;
      yield value;
    }
  }

  async #inTime<T>(work: Promise<T>, stop: AbortController): Promise<T> {
    const { timeoutMs } = this.settings;
    const silence = new BrokenConnection(`nothing came for ${formatDuration(timeoutMs)}`);
    const timer = setTimeout(() => stop.abort(silence), timeoutMs);
    try {
      return await work;
    } catch (cause) {
      this.checkCancelled();
      throw cause === silence ? silence : new BrokenConnection(describe(cause as Error), 0, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'there is no such host, or no network',
  EAI_AGAIN: 'there is no such host, or no network',
  UND_ERR_CONNECT_TIMEOUT: 'the host does not answer',
};

/** `fetch` says "fetch failed" or "terminated"; the reason is within. */
function describe(error: Error): string {
  const cause = (error.cause ?? error) as NodeJS.ErrnoException;
  return FAILURES[cause.code ?? ''] ?? (cause.message || error.message);
}
