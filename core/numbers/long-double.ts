/**
 * The 80-bit floating point numbers of x86-64, which Redis computes INCRBYFLOAT with, in bigint arithmetic.
 *
 * Here: reading text as `strtold` does within Redis' `string2ld`, addition, and Redis' human-readable text. Everything is correctly
 * rounded, to the even one of two, as the processor and glibc do: 64 bits of significand, exponents from -16445 on.
 * Not here: which command uses it, and error replies.
 */
import { type FloatFormat, parseHexadecimal, roundedQuotient, roundToFloat } from './binary-float.js';

/** Longer text is no number for Redis: `MAX_LONG_DOUBLE_CHARS` less the terminating zero. */
export const LONG_DOUBLE_TEXT_BYTES_MAX = 5 * 1024 - 1;

const FORMAT: FloatFormat = { bits: 64, exponentMin: -16_445, exponentMax: 16_320 };
/** Decimal numbers of more digits before the point overflow; with their first digit further behind the point they are zero. */
const DECIMAL_DIGITS_MAX = 4_940;
const DECIMAL_ZEROS_MAX = 5_000;
/** Digits behind the point that Redis asks for. */
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
const HEX = /^([+-]?)0[xX]((?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+))(?:[pP]([+-]?\d+))?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** A number, or an infinity; never NaN, which Redis accepts nowhere. The value is (-1)^negative * significand * 2^exponent. */
export interface LongDouble {
  readonly negative: boolean;
  readonly infinite: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

/**
 * Adds two numbers given as latin1 text and writes the sum as INCRBYFLOAT stores it.
 * @returns the text; 'inf' or 'nan' where the sum is no finite number ("increment would produce NaN or Infinity"); undefined where
 * one of the texts is none ("value is not a valid float").
 */
export function addLongDoubles(first: string, second: string): string | undefined {
  const a = parseLongDouble(first);
  const b = parseLongDouble(second);
  if (a === undefined || b === undefined) return undefined;
  const sum = addLongDouble(a, b);
  if (sum === undefined) return 'nan';
  return sum.infinite ? 'inf' : formatLongDouble(sum);
}

/**
 * Reads text as Redis' `string2ld`: decimal or hexadecimal, `inf`, `infinity`; no space, nothing behind, shorter than 5 KiB;
 * refused when it overflows, or underflows to zero. Returns undefined where Redis refuses it.
 */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length > LONG_DOUBLE_TEXT_BYTES_MAX) return undefined;
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return parseDecimal(decimal[1] === '-', decimal[2]!, decimal[3]!, decimal[4] ?? '0');
  const hex = HEX.exec(text);
  if (hex !== null) {
    const magnitude = parseHexadecimal(FORMAT, hex[2]!, hex[3] ?? '0');
    return magnitude === undefined ? undefined : { negative: hex[1] === '-', infinite: false, ...magnitude };
  }
  const infinite = INFINITE.exec(text);
  return infinite === null ? undefined : infinity(infinite[1] === '-');
}

function parseDecimal(
  negative: boolean,
  whole: string,
  fraction: string,
  exponentText: string,
): LongDouble | undefined {
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return { negative, infinite: false, significand: 0n, exponent: 0 };
  const exponent = Number(exponentText) - fraction.length;
  const before = digits.length + exponent;
  if (before > DECIMAL_DIGITS_MAX || before < -DECIMAL_ZEROS_MAX) return undefined;
  const integer = BigInt(digits);
  const magnitude =
    exponent >= 0
      ? roundToFloat(FORMAT, integer * 10n ** BigInt(exponent), 1n, 0)
      : roundToFloat(FORMAT, integer, 10n ** BigInt(-exponent), 0);
  if (magnitude === undefined || magnitude.significand === 0n) return undefined;
  return { negative, infinite: false, significand: magnitude.significand, exponent: magnitude.exponent };
}

/** The sum, rounded once; undefined for infinities of different signs, whose sum is NaN. */
export function addLongDouble(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.infinite || b.infinite) {
    if (a.infinite && b.infinite && a.negative !== b.negative) return undefined;
    return a.infinite ? a : b;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = aligned(a, exponent) + aligned(b, exponent);
  // Of zeros, only two negative ones have a negative sum.
  if (sum === 0n) return { negative: a.negative && b.negative, infinite: false, significand: 0n, exponent: 0 };
  const negative = sum < 0n;
  const rounded = roundToFloat(FORMAT, negative ? -sum : sum, 1n, exponent);
  if (rounded === undefined) return infinity(negative);
  return { negative, infinite: false, significand: rounded.significand, exponent: rounded.exponent };
}

function aligned(value: LongDouble, exponent: number): bigint {
  const magnitude = value.significand << BigInt(value.exponent - exponent);
  return value.negative ? -magnitude : magnitude;
}

function infinity(negative: boolean): LongDouble {
  return { negative, infinite: true, significand: 0n, exponent: 0 };
}

/**
 * Writes a number as Redis' `ld2string` in its human-readable form: `%.17Lf` without trailing zeros, `-0` as `0`; `inf`, `-inf`.
 */
export function formatLongDouble(value: LongDouble): string {
  const sign = value.negative ? '-' : '';
  if (value.infinite) return `${sign}inf`;
  const scaled = roundedQuotient(value.significand * FRACTION_SCALE, 1n, value.exponent);
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, '0');
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '');
  if (fraction !== '') return `${sign}${whole}.${fraction}`;
  return whole === '0' ? '0' : `${sign}${whole}`;
}
