import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { saltedCrc } from '../../log/checksums.js';
import {
  FRAME_ALIGNMENT,
  FRAME_BODY_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FrameFlag,
  FrameHeader,
  FrameKind,
  frameBytes,
  sealFrame,
} from '../../log/frame.js';
import { writeU32 } from '../../log/little-endian.js';

const SALT = 0x1234abcd;

function sampleHeader(bodyBytes: number): FrameHeader {
  return Object.assign(new FrameHeader(), {
    kind: FrameKind.data,
    flags: FrameFlag.originReset,
    entryCount: 3,
    epoch: 7,
    idx: 2 ** 40 + 5,
    firstSequence: 2 ** 52 + 1,
    timeMs: 1_700_000_000_000,
    committedEpoch: 7,
    committedIdx: 2 ** 40 + 4,
    bodyBytes,
  });
}

function sampleFrame(bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(frameBytes(bodyBytes));
  for (let i = 0; i < bodyBytes; i++) bytes[FRAME_HEADER_BYTES + i] = (i * 31 + 7) & 255;
  sealFrame(bytes, 0, sampleHeader(bodyBytes), new Uint8Array(16).fill(9), SALT);
  return bytes;
}

/** The frame with its checksum made right again after a change. */
function rechecked(bytes: Uint8Array): Uint8Array {
  writeU32(bytes, 92, 0);
  writeU32(bytes, 92, saltedCrc(bytes, 0, bytes.length, SALT));
  return bytes;
}

describe('a frame', () => {
  test('reads back as it was written, at every body length around the alignment', () => {
    for (const bodyBytes of [0, 1, 415, 416, 417, 927, 928, 929, 5000]) {
      const bytes = sampleFrame(bodyBytes);
      expect(bytes.length % FRAME_ALIGNMENT).toBe(0);
      const header = new FrameHeader();
      expect(header.probe(bytes, 0, bytes.length, SALT)).toBe('sound');
      expect(header).toMatchObject(sampleFields(bodyBytes));
      expect(header.unknown()).toBeUndefined();
      expect(header.nextSequence).toBe(2 ** 52 + 4);
    }
  });

  test('lies at the documented offsets', () => {
    const bytes = sampleFrame(10);
    const view = new DataView(bytes.buffer);
    expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe('HFF1');
    expect([bytes[4], bytes[5]]).toEqual([1, FrameKind.data]);
    expect(view.getUint16(6, true)).toBe(96);
    expect(view.getUint32(8, true)).toBe(FrameFlag.originReset);
    expect(view.getUint32(12, true)).toBe(3);
    const words = [16, 24, 32, 40, 48, 56].map((at) => Number(view.getBigUint64(at, true)));
    expect(words).toEqual([7, 2 ** 40 + 5, 2 ** 52 + 1, 1_700_000_000_000, 7, 2 ** 40 + 4]);
    expect([view.getUint32(64, true), view.getUint32(68, true), view.getUint32(72, true)]).toEqual([0, 10, 0]);
    expect([...bytes.subarray(76, 92)]).toEqual(new Array(16).fill(9));
  });

  test('is not a frame with any one bit flipped', () => {
    const bytes = sampleFrame(700);
    const header = new FrameHeader();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(header.probe(bytes, 0, bytes.length, SALT)).not.toBe('sound');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(header.probe(bytes, 0, bytes.length, SALT)).toBe('sound');
  });

  test('is not a frame cut off at any length', () => {
    const bytes = sampleFrame(700);
    const header = new FrameHeader();
    for (let length = 0; length < bytes.length; length++) {
      expect(header.probe(bytes.slice(0, length), 0, length, SALT)).not.toBe('sound');
    }
  });

  test('is not a frame under another salt: a log stored as a value never parses', () => {
    const bytes = sampleFrame(700);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (salt) => {
        fc.pre(salt !== SALT);
        expect(new FrameHeader().probe(bytes, 0, bytes.length, salt)).toBe('bad');
      }),
    );
  });

  test('is never read out of any bytes, which neither crash nor hang the reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2048 }), fc.boolean(), (bytes, magic) => {
        if (magic && bytes.length > 4) bytes.set(Buffer.from('HFF1'));
        const header = new FrameHeader();
        for (let at = 0; at <= bytes.length; at += FRAME_ALIGNMENT) {
          expect(header.probe(bytes, at, bytes.length, SALT)).not.toBe('sound');
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('of a later version, or with an unknown kind, flag, header length or key, is sound and named', () => {
    const changes: [number, number, RegExp][] = [
      [4, 2, /format version 2/],
      [5, 9, /kind 9/],
      [5, 0, /kind 0/],
      [8, 5, /flags 0x4/],
      [64, 1, /encryption key 1/],
      [72, 1, /reserved field 1/],
      [6, 104, /header length 104/],
    ];
    for (const [at, value, message] of changes) {
      const bytes = sampleFrame(300);
      bytes[at] = value;
      const header = new FrameHeader();
      expect(header.probe(rechecked(bytes), 0, bytes.length, SALT)).toBe('sound');
      expect(header.unknown()).toMatch(message);
    }
  });

  test('with a giant length is refused before anything is read', () => {
    const bytes = sampleFrame(0);
    writeU32(bytes, 68, FRAME_BODY_BYTES_MAX + 1);
    expect(new FrameHeader().probe(rechecked(bytes), 0, bytes.length, SALT)).toBe('bad');
    writeU32(bytes, 68, FRAME_BODY_BYTES_MAX);
    expect(new FrameHeader().probe(rechecked(bytes), 0, bytes.length, SALT)).toBe('short');
  });

  test('with a number of 2^53 or more is refused', () => {
    for (const at of [16, 24, 32, 40, 48, 56]) {
      const bytes = sampleFrame(0);
      bytes[at + 6] = 0x20;
      expect(new FrameHeader().probe(rechecked(bytes), 0, bytes.length, SALT)).toBe('bad');
    }
  });
});

function sampleFields(bodyBytes: number): object {
  const { kind, flags, entryCount, epoch, idx, firstSequence, timeMs, committedEpoch, committedIdx } =
    sampleHeader(bodyBytes);
  return { kind, flags, entryCount, epoch, idx, firstSequence, timeMs, committedEpoch, committedIdx, bodyBytes };
}
