/** Kinds of options that take several words: addresses, save points, limits of output buffers, percentiles. */
import type { OutputBufferLimit, OutputBufferLimits } from '../connections/connection-limits.js';
import { ConfigValueError } from './config-error.js';
import { memoryText, parseMemory } from './memory-units.js';
import type { OptionKind } from './option-kind.js';

/**
 * An integer as C's strtoll reads it, within what a double holds; undefined when the whole word is none. No word at all
 * is 0: Redis takes `save "900 "` so.
 */
function looseInteger(word: string): number | undefined {
  return /^(\s*[-+]?\d{1,15})?$/.test(word) ? Number(word) : undefined;
}

function isNothing(words: readonly string[]): boolean {
  return words.length === 0 || (words.length === 1 && words[0] === '');
}

/** Addresses to listen on, at most 16. */
export const addressesKind: OptionKind<readonly string[]> = {
  title: 'words',
  multiple: true,
  parse(words) {
    if (words.length > 16) throw new ConfigValueError('Too many bind addresses specified.');
    return isNothing(words) ? [] : words;
  },
  format: (value) => value.join(' '),
  lines: (value) => [value.length === 0 ? '""' : value.join(' ')],
};

/** Pairs of seconds and changes; none at all for ''. Several lines of one start add up, '' takes back those before it. */
export const savePointsKind: OptionKind<readonly number[]> = {
  title: "pairs of seconds and changes, or ''",
  multiple: true,
  parse(words) {
    if (isNothing(words)) return [];
    if (words.length % 2 !== 0) throw new ConfigValueError('Invalid save parameters');
    return words.map((word, i) => {
      const value = looseInteger(word);
      if (value === undefined || value < (i % 2 === 0 ? 1 : 0)) throw new ConfigValueError('Invalid save parameters');
      return value;
    });
  },
  format: (value) => value.join(' '),
  lines(value) {
    if (value.length === 0) return ['""'];
    const lines: string[] = [];
    for (let i = 0; i < value.length; i += 2) lines.push(`${value[i]} ${value[i + 1]}`);
    return lines;
  },
  combine: (earlier, later) => (later.length === 0 ? later : [...earlier, ...later]),
};

const CLIENT_CLASSES: ReadonlyMap<string, keyof OutputBufferLimits> = new Map([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
]);
const CLASS_NAMES = ['normal', 'replica', 'pubsub'] as const;

function outputBufferLimit(hard: string, soft: string, seconds: string): OutputBufferLimit {
  const hardBytes = Number(parseMemory(hard) ?? -1);
  const softBytes = Number(parseMemory(soft) ?? -1);
  const softSeconds = looseInteger(seconds) ?? -1;
  const exact = Number.isSafeInteger(hardBytes) && Number.isSafeInteger(softBytes);
  if (!exact || hardBytes < 0 || softBytes < 0 || softSeconds < 0) {
    throw new ConfigValueError('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
  }
  return { hardBytes, softBytes, softSeconds };
}

/** Groups of four words: class, hard limit, soft limit, seconds. Classes that are not named keep what they have. */
export const outputBufferLimitsKind: OptionKind<OutputBufferLimits> = {
  title: 'groups of: class, hard limit, soft limit, seconds',
  multiple: true,
  parse(words, current) {
    if (words.length % 4 !== 0) {
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
    CLASS_NAMES.map((name) => {
      const limit = value[name];
      const shown = name === 'replica' ? 'slave' : name;
      return `${shown} ${limit.hardBytes} ${limit.softBytes} ${limit.softSeconds}`;
    }).join(' '),
  lines: (value) =>
    CLASS_NAMES.map((name) => {
      const { hardBytes, softBytes, softSeconds } = value[name];
      return `${name} ${memoryText(hardBytes)} ${memoryText(softBytes)} ${softSeconds}`;
    }),
};

/** How much rather the kernel ends this process than others when memory runs out, for three roles. */
export const killScoresKind: OptionKind<readonly number[]> = {
  title: 'three integers, -2000 to 2000',
  multiple: true,
  parse(words) {
    if (words.length !== 3) throw new ConfigValueError('wrong number of arguments');
    return words.map((word) => {
      const value = looseInteger(word);
      if (value === undefined || value < -2000 || value > 2000) {
        throw new ConfigValueError('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
      }
      return value;
    });
  },
  format: (value) => value.join(' '),
};

/** Percentiles from 0 to 100; none at all for ''. */
export const percentilesKind: OptionKind<readonly number[]> = {
  title: "numbers, 0 to 100, or ''",
  multiple: true,
  parse(words) {
    if (isNothing(words)) return [];
    return words.map((word) => {
      const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$|^[-+]?inf(inity)?$/i.test(word);
      if (!number) throw new ConfigValueError('Invalid latency-tracking-info-percentiles parameters');
      const value = /inf/i.test(word) ? Number.POSITIVE_INFINITY : Number(word);
      if (value < 0 || value > 100) {
        throw new ConfigValueError('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
      }
      return value;
    });
  },
  // Six decimals as C's %f, without the zeros at the end.
  format: (value) => value.map((percentile) => String(Number(percentile.toFixed(6)))).join(' '),
  lines: (value) => [value.length === 0 ? '""' : percentilesKind.format(value)],
};

/** The server to be a replica of: host and port, or `no one`. */
export const replicaOfKind: OptionKind<string> = {
  title: 'host and port, or no one',
  multiple: true,
  parse(words) {
    if (words.length !== 2) throw new ConfigValueError('wrong number of arguments');
    const [host, port] = words as [string, string];
    if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return '';
    const number = port === '' ? 0 : looseInteger(port);
    if (number === undefined || number < 0 || number > 65535) throw new ConfigValueError('Invalid master port');
    return `${host} ${number}`;
  },
  format: (value) => value,
  // Without a line there is nothing to be a replica of.
  lines: (value) => (value === '' ? [] : [value]),
};
