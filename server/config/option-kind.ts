/**
 * What a kind of option is: how its values are read, shown and written. The kinds are in number-kinds.ts, word-kinds.ts
 * and list-kinds.ts. Texts are byte strings (one character a byte), so that what a client sets comes back byte by byte;
 * error texts are those of Redis 7.0.
 */

export interface OptionKind<T> {
  /** What the reference page calls it. */
  readonly title: string;
  /** True when an option takes several words; CONFIG SET then splits its one argument at spaces. */
  readonly multiple: boolean;
  /**
   * @param words the option's arguments; exactly one unless `multiple`.
   * @param current the value that it replaces, for kinds that change a part.
   * @throws ConfigValueError
   */
  parse(words: readonly string[], current: T): T;
  /** The value as CONFIG GET shows it. */
  format(value: T): string;
  /**
   * What stands behind the option's name in a configuration file, one text a line. Without it there is one line with
   * what `format` gives.
   */
  lines?(value: T): readonly string[];
  /** What a second line of the same start makes of the value; without it the later line replaces the earlier one. */
  combine?(earlier: T, later: T): T;
}
