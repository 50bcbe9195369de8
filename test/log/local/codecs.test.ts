import { expect, test } from 'vitest';
import { decodeMark, encodeMark, type Mark } from '../../../log/local/mark.js';
import { decodeSegmentHeader, encodeSegmentHeader, type SegmentHeader } from '../../../log/local/segment-header.js';
import { segmentName, segmentNumber } from '../../../log/local/segment-name.js';

const HEADER: SegmentHeader = {
  logId: '00112233445566778899aabbccddeeff',
  timeline: '0123456789abcdef',
  parentTimeline: 'fedcba9876543210',
  forkSequence: 2 ** 40,
  number: 17,
  salt: 0xdeadbeef,
};

const MARK: Mark = {
  logId: HEADER.logId,
  epoch: 3,
  idx: 2 ** 35,
  runningChecksum: new Uint8Array(16).fill(5),
  segment: 17,
  offset: 2 ** 33,
  nextSequence: 2 ** 52,
  timeMs: 1_700_000_000_000,
  featureLevel: 1,
};

test('a segment header reads back, and not with any bit flipped or byte missing', () => {
  const bytes = encodeSegmentHeader(HEADER);
  expect(decodeSegmentHeader(bytes, bytes.length, 'f')).toEqual(HEADER);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeSegmentHeader(bytes, bytes.length, 'f')).toThrowError(/damaged/);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeSegmentHeader(bytes.slice(0, length), length, 'f')).toThrowError(/damaged/);
  }
});

test('a mark reads back, and not with any bit flipped or byte missing', () => {
  const bytes = encodeMark(MARK);
  expect(decodeMark(bytes, bytes.length, 'f')).toEqual(MARK);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeMark(bytes, bytes.length, 'f')).toThrowError(/damaged/);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeMark(bytes.slice(0, length), length, 'f')).toThrowError(/damaged/);
  }
});

test('a segment is named by its number', () => {
  expect(segmentName(17)).toBe('0000000000000017.log');
  expect(segmentNumber('0000000000000017.log')).toBe(17);
  for (const name of ['17.log', 'mark', '0000000000000017.log.tmp']) expect(segmentNumber(name)).toBeUndefined();
});
