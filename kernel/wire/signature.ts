/** HMAC signatures of messages, and the memory of those already seen. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { BadMessage } from './bad-message';

// The same number that jupyter_client remembers.
const REMEMBERED = 65_536;

/** Signs and verifies with the key of the connection file; an empty key means unsigned messages. */
export class Signer {
  private readonly seen = new Set<string>();

  constructor(
    private readonly key: string,
    private readonly algorithm = 'sha256',
  ) {}

  /** The hexadecimal digest over the four JSON parts; empty without a key. */
  sign(parts: readonly (string | Uint8Array)[]): string {
    if (this.key === '') return '';
    const hmac = createHmac(this.algorithm, this.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }

  /** Throws BadMessage if the signature is wrong, or was used before: a replayed message must not run twice. */
  verify(signature: string, parts: readonly (string | Uint8Array)[]): void {
    if (this.key === '') return;
    const expected = Buffer.from(this.sign(parts));
    const actual = Buffer.from(signature);
    // Lengths are public; the bytes are compared in constant time.
    if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
      throw new BadMessage('the signature is wrong');
    }
    if (this.seen.has(signature)) throw new BadMessage('the message was received before');
    this.remember(signature);
  }

  private remember(signature: string): void {
    this.seen.add(signature);
    if (this.seen.size <= REMEMBERED) return;
    const [oldest] = this.seen;
    this.seen.delete(oldest!);
  }
}
