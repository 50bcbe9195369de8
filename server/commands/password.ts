/** Checks passwords in a time that tells nothing about how much of one was right. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** True when both byte strings are the same. */
export function samePassword(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** Digests have one length, so that comparing them does not tell the password's. */
function digest(password: string): Uint8Array {
  return createHash('sha256').update(password, 'latin1').digest();
}
