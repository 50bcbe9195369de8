/**
 * Texts of the configuration are byte strings, one character a byte, so that what a client sets comes back byte by byte.
 * These two convert where JavaScript text is needed.
 */

/** The text of a byte string that holds UTF-8, for example a path. */
export function pathOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The byte string of a JavaScript text. */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
