/**
 * Kinds of options whose value is a number or an amount of memory. Where Redis takes 64 bits the value is a bigint, so
 * that CONFIG GET shows what was set; what acts on it uses `Number(value)`, which is near enough for any limit.
 */
import { ConfigValueError } from './config-error.js';
import { memoryText, parseMemory } from './memory-units.js';
import type { OptionKind } from './option-kind.js';

export const INT_MIN = -2147483648;
export const INT_MAX = 2147483647;
/** Redis' LONG_MAX and LLONG_MAX. */
export const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

/** An integer of 64 bits in the one form that Redis takes: no sign but a minus, no leading zeros. */
function parseInteger(word: string): bigint {
  const value = /^(0|-?[1-9]\d{0,18})$/.test(word) ? BigInt(word) : undefined;
  if (value === undefined || value < LONG_MIN || value > LONG_MAX) {
    throw new ConfigValueError("argument couldn't be parsed into an integer");
  }
  return value;
}

function checkRange(value: bigint, least: bigint | number, most: bigint | number): void {
  if (value < least || value > most) {
    throw new ConfigValueError(`argument must be between ${least} and ${most} inclusive`);
  }
}

/** An integer from least to most. */
export function integerKind(least: number, most: number): OptionKind<number> {
  return {
    title: `integer, ${least} to ${most}`,
    multiple: false,
    parse([word = '']) {
      const value = parseInteger(word);
      checkRange(value, least, most);
      return Number(value);
    },
    format: String,
  };
}

/** An integer from least to most, which may need 64 bits. */
export function wideIntegerKind(least: bigint, most: bigint): OptionKind<bigint> {
  return {
    title: `integer, ${least} to ${most}`,
    multiple: false,
    parse([word = '']) {
      const value = parseInteger(word);
      checkRange(value, least, most);
      return value;
    },
    format: String,
  };
}

/** How often something is done a second: kept between 1 and 500, as Redis does. */
export const frequencyKind: OptionKind<number> = {
  title: 'integer, 1 to 500',
  multiple: false,
  parse: (words, current) => Math.min(500, Math.max(1, integerKind(0, INT_MAX).parse(words, current))),
  format: String,
};

/** An octal number of file permissions. As in Redis no digit at all is 0. */
export const permissionsKind: OptionKind<number> = {
  title: 'file permissions in octal',
  multiple: false,
  parse([word = '']) {
    if (!/^\s*[-+]?[0-7]{0,20}$/.test(word)) {
      throw new ConfigValueError("argument couldn't be parsed as an octal number");
    }
    const value = Number.parseInt(word, 8) || 0;
    if (value < 0 || value > 0o777) throw new ConfigValueError('argument must be between 0 and 777 inclusive');
    return value;
  },
  format: (value) => value.toString(8),
};

/**
 * An amount of memory in bytes, of 64 bits.
 * @param floor what a smaller amount counts as.
 */
export function memoryKind(least: bigint, most: bigint = LONG_MAX, floor = 0n): OptionKind<bigint> {
  return {
    title: 'memory',
    multiple: false,
    parse([word = '']) {
      const value = parseMemory(word);
      if (value === undefined) throw new ConfigValueError('argument must be a memory value');
      checkRange(value, least, most);
      return value < floor ? floor : value;
    },
    format: String,
    lines: (value) => [memoryText(value)],
  };
}

/** An amount of memory that this version cannot take beyond a limit. */
export function limitedMemoryKind(most: number, refusal: string): OptionKind<number> {
  return {
    title: 'memory',
    multiple: false,
    parse([word = '']) {
      const value = parseMemory(word);
      if (value === undefined) throw new ConfigValueError('argument must be a memory value');
      if (value > most) throw new ConfigValueError(refusal);
      return Number(value);
    },
    format: String,
    lines: (value) => [memoryText(value)],
  };
}

/** An amount of memory in bytes; below zero a share of `maxmemory` in percent, as Redis keeps it. */
export const memoryOrPercentKind: OptionKind<bigint> = {
  title: 'memory, or a percentage of maxmemory',
  multiple: false,
  parse([word = '']) {
    const bytes = parseMemory(word);
    if (bytes !== undefined && bytes <= LONG_MAX) return bytes;
    const percent = /^(0|[1-9]\d{0,17})%$/.exec(word)?.[1];
    if (bytes === undefined && percent === undefined) {
      throw new ConfigValueError('argument must be a memory or percent value');
    }
    const share = percent === undefined ? LONG_MAX : BigInt(percent);
    if (share > 100n) throw new ConfigValueError('percentage argument must be less or equal to 100');
    return -share;
  },
  format: (value) => (value < 0n ? `${-value}%` : String(value)),
  lines: (value) => [value < 0n ? `${-value}%` : memoryText(value)],
};
