/**
 * Exact rounding of rational numbers to binary floating point of any precision, in bigint arithmetic.
 *
 * Here: what is common to doubles from hexadecimal text and to the 80-bit numbers of INCRBYFLOAT. Not here: the formats and texts.
 */

/** A binary floating point format: its values are significand * 2^exponent, the significand below 2^bits. */
export interface FloatFormat {
  readonly bits: number;
  /** Exponent of the last bit of the smallest numbers. */
  readonly exponentMin: number;
  /** Exponent of the last bit of the largest numbers. */
  readonly exponentMax: number;
}

/** A value that is not negative. Zero has significand 0n. */
export interface Magnitude {
  readonly significand: bigint;
  readonly exponent: number;
}

/**
 * Rounds numerator / denominator * 2^exponent to the nearest value of the format, to the even one of two.
 * @returns the value, or undefined where it overflows. A number above zero that becomes zero is for the caller to see.
 */
export function roundToFloat(
  format: FloatFormat,
  numerator: bigint,
  denominator: bigint,
  exponent: number,
): Magnitude | undefined {
  if (numerator === 0n) return { significand: 0n, exponent: 0 };
  // The quotient has as many bits as the difference of the lengths says, or one more: then its last bit is one too many.
  let last = Math.max(bitLength(numerator) - bitLength(denominator) + exponent - format.bits, format.exponentMin);
  let significand = roundedQuotient(numerator, denominator, exponent - last);
  if (significand >> BigInt(format.bits) !== 0n) {
    // Rounding again from the number itself, not from the rounded quotient.
    last++;
    significand = roundedQuotient(numerator, denominator, exponent - last);
    if (significand >> BigInt(format.bits) !== 0n) {
      significand >>= 1n; // all ones rounded up to a power of two
      last++;
    }
  }
  return last > format.exponentMax ? undefined : { significand, exponent: last };
}

/** numerator * 2^shift / denominator, rounded to the nearest integer, to the even one of two. */
export function roundedQuotient(numerator: bigint, denominator: bigint, shift: number): bigint {
  const dividend = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = dividend / divisor;
  const twice = (dividend - quotient * divisor) << 1n;
  return twice > divisor || (twice === divisor && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/** Number of bits of a positive integer. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}

/**
 * Reads a hexadecimal number, such as `1.8` with the binary exponent `-3`, rounded to a format.
 * @returns undefined where it overflows, or underflows to zero.
 */
export function parseHexadecimal(format: FloatFormat, digits: string, exponentText: string): Magnitude | undefined {
  const point = digits.indexOf('.');
  const whole = point < 0 ? digits : digits.slice(0, point) + digits.slice(point + 1);
  const numerator = BigInt(`0x${whole}`);
  if (numerator === 0n) return { significand: 0n, exponent: 0 };
  const exponent = Number(exponentText) - 4 * (point < 0 ? 0 : whole.length - point);
  const top = bitLength(numerator) + exponent;
  if (top > format.exponentMax + format.bits + 1 || top < format.exponentMin - 1) return undefined;
  const rounded = roundToFloat(format, numerator, 1n, exponent);
  return rounded === undefined || rounded.significand === 0n ? undefined : rounded;
}
