import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CONTROL_BODY_BYTES_MAX,
  readAbdicateBody,
  readLeaderBody,
  readLevelBody,
  writeAbdicateBody,
  writeLeaderBody,
  writeLevelBody,
} from '../../log/control-body.js';
import { LogError } from '../../log/log-error.js';

const AFTER = { epoch: 3, idx: 2 ** 33, runningChecksum: new Uint8Array(16).fill(7) };
const LEADER = { node: 'n', address: '[::1]:6379', leaseMs: 3000, version: '0.1.0', featureLevel: 1, timeMs: 5 };

test('a leader body reads back as it was written, with long texts cut', () => {
  const bytes = new Uint8Array(CONTROL_BODY_BYTES_MAX);
  const end = writeLeaderBody(bytes, 0, { ...LEADER, node: 'é'.repeat(300) }, AFTER);
  const { timeMs: _, ...rest } = LEADER;
  expect(readLeaderBody(bytes, 0, end)).toEqual({ ...rest, node: 'é'.repeat(127), after: AFTER });
});

test('abdicate and level bodies read back', () => {
  const bytes = new Uint8Array(64);
  expect(readAbdicateBody(bytes, 0, writeAbdicateBody(bytes, 0, 'node-2'))).toBe('node-2');
  expect(readLevelBody(bytes, 0, writeLevelBody(bytes, 0, 4))).toBe(4);
});

test('any bytes are read or refused with a typed error', () => {
  const readers = [readLeaderBody, readAbdicateBody, readLevelBody];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...readers), (bytes, read) => {
      try {
        read(bytes, 0, bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(LogError);
      }
    }),
    { numRuns: 1000 },
  );
});
