/** Waits for a state that nobody announces (an INFO field, a file): asks again until it is there. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks until `ask` returns something other than undefined or false, and returns that.
 * @param what names the awaited state in the error.
 * @throws when it has not come within `limitMs`.
 */
export async function pollUntil<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for: ${what}`);
    await delay(5);
  }
}
