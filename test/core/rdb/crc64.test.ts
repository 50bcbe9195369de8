import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Crc64 } from '../../../core/rdb/crc64.js';

const MASK = (1n << 64n) - 1n;

/** The definition, bit by bit, with bigint. */
function expected(bytes: Uint8Array): string {
  let crc = 0n;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const flag = ((crc >> 63n) & 1n) ^ ((BigInt(byte) >> BigInt(bit)) & 1n);
      crc = (crc << 1n) & MASK;
      if (flag === 1n) crc ^= 0xad93d23594c935a9n;
    }
  }
  let reflected = 0n;
  for (let bit = 0n; bit < 64n; bit++) reflected |= ((crc >> bit) & 1n) << (63n - bit);
  return reflected.toString(16).padStart(16, '0');
}

function crcOf(bytes: Uint8Array): string {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return crc.text();
}

test('the check value of the algorithm', () => {
  expect(crcOf(Buffer.from('123456789'))).toBe('e9c6d914c4b8d9ca');
});

test('any bytes, in any pieces, give what the definition gives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 5 }), (bytes, cuts) => {
      const crc = new Crc64();
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        const to = Math.min(cut, bytes.length);
        crc.update(bytes, from, to);
        from = to;
      }
      expect(crc.text()).toBe(expected(bytes));
    }),
  );
});

test('it starts anew', () => {
  const crc = new Crc64();
  crc.update(Buffer.from('abc'), 0, 3);
  crc.reset();
  expect(crc.text()).toBe('0000000000000000');
});
