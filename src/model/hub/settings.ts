/** What the environment says about the hub, by the same variables as the Python tools read: where, as whom, and whether at all. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getHFHubCachePath, HUB_URL } from '@huggingface/hub';
import { HyperionError } from '../../errors';
import { ioError } from '../../io';

export interface HubSettings {
  /** HF_ENDPOINT: address of the hub, without a slash at its end */
  readonly endpoint: string;
  /** HF_TOKEN, or what the login of the Python tools has left in a file */
  readonly token: string | undefined;
  /** HF_HUB_CACHE, or `hub` in HF_HOME */
  readonly cache: string;
  /** HF_HUB_OFFLINE: whether only the cache is used */
  readonly offline: boolean;
  /** HF_HUB_DOWNLOAD_TIMEOUT, in seconds there: how long a connection may bring nothing. Default 10 s. */
  readonly timeoutMs: number;
}

/** @throws HyperionError `INVALID` naming the variable, `IO` when there is a token file that cannot be read */
export async function hubSettings(): Promise<HubSettings> {
  return {
    endpoint: endpoint(process.env.HF_ENDPOINT || HUB_URL),
    token: isSet('HF_HUB_DISABLE_IMPLICIT_TOKEN') ? undefined : await token(),
    cache: expandHome(getHFHubCachePath()),
    offline: isSet('HF_HUB_OFFLINE'),
    timeoutMs: timeout(process.env.HF_HUB_DOWNLOAD_TIMEOUT || '10'),
  };
}

function endpoint(text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : '';
  if (protocol === 'https:' || protocol === 'http:') return text.replace(/\/+$/, '');
  throw new HyperionError(
    'INVALID',
    `HF_ENDPOINT is '${text}'; it must be an address that begins with https://`,
  );
}

async function token(): Promise<string | undefined> {
  const given = process.env.HF_TOKEN || (await readToken(tokenPath()));
  const token = given?.trim() || undefined;
  // The token itself stays out of the message: messages are logged.
  if (token && !/^[\x21-\x7e]+$/.test(token))
    throw new HyperionError(
      'INVALID',
      'the token in HF_TOKEN, or in the token file, has characters that none has',
    );
  return token;
}

function tokenPath(): string {
  const { HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return expandHome(HF_TOKEN_PATH ?? join(home, 'token'));
}

async function readToken(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw ioError(path, error);
  });
}

function timeout(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds < 86_400) return seconds * 1000;
  throw new HyperionError('INVALID', `HF_HUB_DOWNLOAD_TIMEOUT is '${text}'; it must be a number of seconds`);
}

function isSet(name: string): boolean {
  return /^(1|on|yes|true)$/i.test(process.env[name] ?? '');
}

function expandHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}
