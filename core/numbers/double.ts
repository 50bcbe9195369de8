/**
 * Doubles as text: what Redis accepts as one (`string2d`, which is C's strtod), and how it writes one (`%.17g`).
 *
 * Not here: the 80-bit numbers of INCRBYFLOAT (`long-double.ts`), and which error a text that is none gets.
 */
import { type FloatFormat, parseHexadecimal } from './binary-float.js';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEX = /^([+-]?)0[xX]((?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+))(?:[pP]([+-]?\d+))?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^[+-]?nan(?:\([\da-zA-Z_]*\))?$/i;
const NONZERO_DIGIT = /^[+-]?[0.]*[1-9]/;

/** Digits of `%.17g`: enough to tell any two doubles apart. */
const DIGITS = 17;
const DOUBLE: FloatFormat = { bits: 53, exponentMin: -1074, exponentMax: 971 };

/**
 * Reads a text of latin1 characters as Redis reads a double: decimal or hexadecimal, `inf`, `infinity`, `nan` in any case; no
 * space before, nothing behind; refused when it overflows, or underflows to zero.
 * @returns the double, NaN for `nan` (which most commands refuse themselves), undefined where Redis says "not a valid float".
 */
export function parseDouble(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) return undefined;
    return value === 0 && NONZERO_DIGIT.test(text) ? undefined : value;
  }
  const hex = HEX.exec(text);
  if (hex !== null) {
    const rounded = parseHexadecimal(DOUBLE, hex[2]!, hex[3] ?? '0');
    if (rounded === undefined) return undefined;
    // In two factors, because 2^-1074 times a significand is exact while 2^exponent may be out of range.
    const half = Math.trunc(rounded.exponent / 2);
    const magnitude = Number(rounded.significand) * 2 ** half * 2 ** (rounded.exponent - half);
    return hex[1] === '-' ? -magnitude : magnitude;
  }
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? Number.NaN : undefined;
}

/** Writes a double as `printf("%.17g")` does: `0.10000000000000001`, `1e+20`, `-0`, `inf`, `nan`. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const sign = value < 0 ? '-' : '';
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return `${sign}inf`;
  const scientific = roundedToEven(magnitude);
  const mark = scientific.indexOf('e');
  const exponent = Number(scientific.slice(mark + 1));
  const digits = scientific[0]! + scientific.slice(2, mark);
  if (exponent < -4 || exponent >= DIGITS) {
    const size = Math.abs(exponent);
    const mantissa = withoutTrailingZeros(`${digits[0]}.${digits.slice(1)}`);
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  }
  if (exponent < 0) return sign + withoutTrailingZeros(`0.${'0'.repeat(-exponent - 1)}${digits}`);
  return sign + withoutTrailingZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

/** 17 digits in scientific notation. JavaScript rounds an exact middle up, C to the even digit. */
function roundedToEven(magnitude: number): string {
  const up = magnitude.toExponential(DIGITS - 1);
  const longer = magnitude.toExponential(DIGITS + 3);
  if (longer.slice(DIGITS + 1, DIGITS + 5) !== '5000') return up;
  const lastEven = (longer.charCodeAt(DIGITS) & 1) === 0;
  if (!lastEven || !isMiddle(magnitude, longer)) return up;
  return longer.slice(0, DIGITS + 1) + longer.slice(longer.indexOf('e'));
}

/** Whether the number is exactly its first 18 digits, of which `longer` has more. */
function isMiddle(magnitude: number, longer: string): boolean {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, magnitude);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const significand = biased === 0 ? fraction : fraction | (1n << 52n);
  const binary = Math.max(biased, 1) - 1075;
  const digits = BigInt(longer[0]! + longer.slice(2, DIGITS + 2));
  const decimal = Number(longer.slice(longer.indexOf('e') + 1)) - DIGITS;
  // significand * 2^binary = digits * 10^decimal, multiplied by what makes both sides whole.
  const left = (significand << BigInt(Math.max(binary, 0))) * 10n ** BigInt(Math.max(-decimal, 0));
  const right = (digits * 10n ** BigInt(Math.max(decimal, 0))) << BigInt(Math.max(-binary, 0));
  return left === right;
}

function withoutTrailingZeros(text: string): string {
  if (!text.includes('.')) return text;
  let end = text.length;
  while (text[end - 1] === '0') end--;
  if (text[end - 1] === '.') end--;
  return text.slice(0, end);
}
