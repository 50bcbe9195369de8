/**
 * The kinds of values that options have: how each is read and shown. Texts are byte strings (one character a byte), so
 * that what a client sets comes back byte by byte; error texts are those of Redis 7.0. Which options there are is in
 * options.ts.
 */
import type { OutputBufferLimit, OutputBufferLimits } from '../connections/connection-limits.js';
import { ConfigValueError } from './config-error.js';
import { parseMemory } from './memory-units.js';

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
}

export const booleanKind: OptionKind<boolean> = {
  title: 'yes or no',
  multiple: false,
  parse([word = '']) {
    const lower = word.toLowerCase();
    if (lower !== 'yes' && lower !== 'no') throw new ConfigValueError("argument must be 'yes' or 'no'");
    return lower === 'yes';
  },
  format: (value) => (value ? 'yes' : 'no'),
};

export const textKind: OptionKind<string> = {
  title: 'text',
  multiple: false,
  parse: ([word = '']) => word,
  format: (value) => value,
};

/** An integer from least to most; `mostShown` is what the error names where `most` is our own, nearer limit. */
export function integerKind(least: number, most: number, mostShown = String(most)): OptionKind<number> {
  return {
    title: `integer, ${least} to ${mostShown}`,
    multiple: false,
    parse([word = '']) {
      if (!/^(0|-?[1-9]\d{0,18})$/.test(word)) {
        throw new ConfigValueError("argument couldn't be parsed into an integer");
      }
      const value = Number(word);
      if (value < least || value > most) {
        throw new ConfigValueError(`argument must be between ${least} and ${mostShown} inclusive`);
      }
      return value;
    },
    format: String,
  };
}

/** How often something is done a second: kept between 1 and 500, as Redis does. */
export const frequencyKind: OptionKind<number> = {
  title: 'integer, 1 to 500',
  multiple: false,
  parse: (words, current) => Math.min(500, Math.max(1, integerKind(0, 2147483647).parse(words, current))),
  format: String,
};

/** An octal number of file permissions. */
export const permissionsKind: OptionKind<number> = {
  title: 'file permissions in octal',
  multiple: false,
  parse([word = '']) {
    if (!/^[0-7]{1,6}$/.test(word)) throw new ConfigValueError("argument couldn't be parsed into an integer");
    const value = Number.parseInt(word, 8);
    if (value > 0o1777) throw new ConfigValueError('argument must be between 0 and 1777 inclusive');
    return value;
  },
  format: (value) => value.toString(8),
};

/** An amount of memory in bytes. */
export function memoryKind(least: number, mostShown = '9223372036854775807'): OptionKind<number> {
  return {
    title: 'memory',
    multiple: false,
    parse([word = '']) {
      const value = parseMemory(word);
      if (value < 0) throw new ConfigValueError('argument must be a memory value');
      if (value < least) throw new ConfigValueError(`argument must be between ${least} and ${mostShown} inclusive`);
      return value;
    },
    format: String,
  };
}

/** An amount of memory in bytes; below zero a share of `maxmemory` in percent, as Redis keeps it. */
export const memoryOrPercentKind: OptionKind<number> = {
  title: 'memory, or a percentage of maxmemory',
  multiple: false,
  parse([word = '']) {
    if (word.endsWith('%')) {
      const digits = word.slice(0, -1);
      if (!/^\d{1,9}$/.test(digits)) throw new ConfigValueError('argument must be a memory or percent value');
      const percent = Number(digits);
      if (percent > 100) throw new ConfigValueError('percentage argument must be less or equal to 100');
      return -percent;
    }
    const value = parseMemory(word);
    if (value < 0) throw new ConfigValueError('argument must be a memory or percent value');
    return value;
  },
  format: (value) => (value < 0 ? `${-value}%` : String(value)),
};

/** One of some words. */
export function choiceKind<const T extends string>(words: readonly T[]): OptionKind<T> {
  return {
    title: words.join(', '),
    multiple: false,
    parse([word = '']) {
      const found = words.find((choice) => choice === word.toLowerCase());
      if (found === undefined) {
        throw new ConfigValueError(`argument(s) must be one of the following: ${words.join(', ')}`);
      }
      return found;
    },
    format: (value) => value,
  };
}

/** Several words. */
export function wordsKind(most: number): OptionKind<readonly string[]> {
  return {
    title: 'words',
    multiple: true,
    parse(words) {
      if (words.length > most) throw new ConfigValueError('Too many bind addresses specified.');
      return words.filter((word) => word !== '');
    },
    format: (value) => value.join(' '),
  };
}

/** Pairs of seconds and changes; none at all for ''. */
export const savePointsKind: OptionKind<readonly number[]> = {
  title: "pairs of seconds and changes, or ''",
  multiple: true,
  parse(words) {
    if (words.length === 1 && words[0] === '') return [];
    if (words.length % 2 !== 0) throw new ConfigValueError('Invalid save parameters');
    return words.map((word, i) => {
      const value = /^\d{1,15}$/.test(word) ? Number(word) : -1;
      if (value < (i % 2 === 0 ? 1 : 0)) throw new ConfigValueError('Invalid save parameters');
      return value;
    });
  },
  format: (value) => value.join(' '),
};

const CLIENT_CLASSES: ReadonlyMap<string, keyof OutputBufferLimits> = new Map([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
]);

function outputBufferLimit(hard: string, soft: string, seconds: string): OutputBufferLimit {
  const hardBytes = parseMemory(hard);
  const softBytes = parseMemory(soft);
  const softSeconds = /^\d{1,15}$/.test(seconds) ? Number(seconds) : -1;
  if (hardBytes < 0 || softBytes < 0 || softSeconds < 0) {
    throw new ConfigValueError('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
  }
  return { hardBytes, softBytes, softSeconds };
}

/** Groups of four words: class, hard limit, soft limit, seconds. Classes that are not named keep what they have. */
export const outputBufferLimitsKind: OptionKind<OutputBufferLimits> = {
  title: 'groups of: class, hard limit, soft limit, seconds',
  multiple: true,
  parse(words, current) {
    if (words.length === 0 || words.length % 4 !== 0) {
      throw new ConfigValueError('Wrong number of arguments in buffer limit configuration.');
    }
    const limits = { ...current };
    for (let i = 0; i < words.length; i += 4) {
      const clientClass = CLIENT_CLASSES.get(words[i]!.toLowerCase());
      if (clientClass === undefined) {
        throw new ConfigValueError('Invalid client class specified in buffer limit configuration.');
      }
      limits[clientClass] = outputBufferLimit(words[i + 1]!, words[i + 2]!, words[i + 3]!);
    }
    return limits;
  },
  format: (value) =>
    (['normal', 'replica', 'pubsub'] as const)
      .map((name) => {
        const limit = value[name];
        const shown = name === 'replica' ? 'slave' : name;
        return `${shown} ${limit.hardBytes} ${limit.softBytes} ${limit.softSeconds}`;
      })
      .join(' '),
};
