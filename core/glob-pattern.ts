/**
 * Glob patterns as KEYS, SCAN and CONFIG GET match them: Redis' `stringmatchlen` (7.0.15), byte for byte.
 *
 * Here: `?`, `*`, `[abc]`, `[^a-z]`, escapes, over byte ranges, without allocation. Not here: whose keys are matched.
 *
 * Followed on purpose: bytes in ranges are compared as signed chars; an unclosed `[` ends at the pattern's end; a `*` nested deeper
 * than 1000 matches nothing; a `*` that failed ends the search of all `*` before it; nothing but the empty pattern matches the
 * empty text. Only the pattern `*` itself, which the commands never hand to `stringmatchlen`, matches every text here.
 */

const STAR = 42;
const QUESTION = 63;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BACKSLASH = 92;
const CARET = 94;
const DASH = 45;

/** Depth of `*` in `*` beyond which Redis gives up. */
const NESTING_MAX = 1000;

const KIND_GENERAL = 0;
const KIND_ALL = 1;
const KIND_PREFIX = 2;

const NO_BYTES = new Uint8Array(0);

export class GlobPattern {
  private kind = KIND_PREFIX;
  private pattern: Uint8Array = NO_BYTES;
  private patternStart = 0;
  private patternEnd = 0;
  private foldsCase = false;
  private text: Uint8Array = NO_BYTES;
  private textEnd = 0;
  /** A `*` found no match anywhere in the rest of the text: then those before it need not look further. */
  private starFailed = false;

  /**
   * Takes a pattern. The bytes are not copied: they must stay as they are until the last `matches()`.
   * @param foldsCase whether ASCII letters match in either case, as for CONFIG GET.
   */
  set(bytes: Uint8Array, start: number, end: number, foldsCase = false): void {
    this.pattern = bytes;
    this.patternStart = start;
    this.patternEnd = end;
    this.foldsCase = foldsCase;
    this.kind = this.kindOf();
  }

  /** Whether the pattern matches the whole of `bytes[start, end)`. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.kind === KIND_ALL) return true;
    if (this.kind === KIND_PREFIX) {
      const length = this.patternEnd - 1 - this.patternStart;
      if (end - start < length) return false;
      for (let i = 0; i < length; i++) if (bytes[start + i] !== this.pattern[this.patternStart + i]) return false;
      return true;
    }
    this.text = bytes;
    this.textEnd = end;
    this.starFailed = false;
    return this.match(this.patternStart, start, 0);
  }

  /** `*` alone, literal bytes before one `*`, or anything else. */
  private kindOf(): number {
    const last = this.patternEnd - 1;
    if (last < this.patternStart || this.pattern[last] !== STAR) return KIND_GENERAL;
    if (last === this.patternStart) return KIND_ALL;
    if (this.foldsCase) return KIND_GENERAL;
    for (let at = this.patternStart; at < last; at++) {
      const byte = this.pattern[at]!;
      if (byte === STAR || byte === QUESTION || byte === BRACKET_OPEN || byte === BACKSLASH) return KIND_GENERAL;
    }
    return KIND_PREFIX;
  }

  /** The pattern's byte at a position, 0 behind its end, as the terminating zero of Redis' strings. */
  private byteAt(at: number): number {
    return at < this.patternEnd ? this.pattern[at]! : 0;
  }

  /** Whether the pattern from `from` on matches the text from `start` on. */
  private match(from: number, start: number, nesting: number): boolean {
    if (nesting > NESTING_MAX) return false;
    const { pattern, patternEnd, text, textEnd } = this;
    let p = from;
    let t = start;
    while (p < patternEnd && t < textEnd) {
      const byte = pattern[p]!;
      if (byte === STAR) return this.matchStar(p, t, nesting);
      if (byte === BRACKET_OPEN) {
        p = this.matchClass(p, text[t]!);
        if (p < 0) return false;
      } else if (byte !== QUESTION) {
        if (byte === BACKSLASH && patternEnd - p >= 2) p++;
        if (this.fold(pattern[p]!) !== this.fold(text[t]!)) return false;
      }
      p++;
      t++;
    }
    // Only behind a byte of the text that was matched: an empty text is matched by the empty pattern alone.
    if (t === textEnd && t > start) while (this.byteAt(p) === STAR) p++;
    return p >= patternEnd && t === textEnd;
  }

  /** Matches from the `*` at `at` on, trying every rest of the text but the empty one. */
  private matchStar(at: number, start: number, nesting: number): boolean {
    let p = at;
    while (this.byteAt(p + 1) === STAR) p++;
    if (p + 1 === this.patternEnd) return true;
    for (let t = start; t < this.textEnd; t++) {
      if (this.match(p + 1, t, nesting + 1)) return true;
      if (this.starFailed) return false;
    }
    this.starFailed = true;
    return false;
  }

  /** Matches one byte with the class that begins at `at`. Returns the position of its last byte, or -1 where it does not match. */
  private matchClass(at: number, byte: number): number {
    const { patternEnd } = this;
    const pattern = this.pattern;
    const sought = this.fold(byte);
    let p = at + 1;
    const negated = this.byteAt(p) === CARET;
    if (negated) p++;
    let matched = false;
    for (; ; p++) {
      const left = patternEnd - p;
      if (left >= 2 && pattern[p] === BACKSLASH) {
        p++;
        // Redis compares an escaped byte as it is, in whatever case.
        if (pattern[p] === byte) matched = true;
      } else if (left > 0 && pattern[p] === BRACKET_CLOSE) {
        break;
      } else if (left <= 0) {
        p--;
        break;
      } else if (left >= 3 && pattern[p + 1] === DASH) {
        let first = signed(pattern[p]!);
        let last = signed(pattern[p + 2]!);
        if (first > last) {
          const swapped = first;
          first = last;
          last = swapped;
        }
        const value = signed(sought);
        if (value >= this.fold(first) && value <= this.fold(last)) matched = true;
        p += 2;
      } else if (this.fold(pattern[p]!) === sought) {
        matched = true;
      }
    }
    return matched !== negated ? p : -1;
  }

  private fold(byte: number): number {
    return this.foldsCase && byte >= 65 && byte <= 90 ? byte + 32 : byte;
  }
}

/** A byte as C's char on x86-64. */
function signed(byte: number): number {
  return (byte << 24) >> 24;
}
