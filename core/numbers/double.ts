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
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const scientific = value.toExponential(DIGITS - 1);
  const mark = scientific.indexOf('e');
  const exponent = Number(scientific.slice(mark + 1));
  if (exponent >= -4 && exponent < DIGITS) return withoutTrailingZeros(value.toFixed(DIGITS - 1 - exponent));
  const size = Math.abs(exponent);
  return `${withoutTrailingZeros(scientific.slice(0, mark))}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
}

function withoutTrailingZeros(text: string): string {
  if (!text.includes('.')) return text;
  let end = text.length;
  while (text[end - 1] === '0') end--;
  if (text[end - 1] === '.') end--;
  return text.slice(0, end);
}
