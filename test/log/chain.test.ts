import { describe, expect, test } from 'vitest';
import { Chain } from '../../log/chain.js';
import { CONTROL_BODY_BYTES_MAX, writeLeaderBody } from '../../log/control-body.js';
import { FRAME_HEADER_BYTES, FrameHeader, FrameKind, frameBytes, sealFrame } from '../../log/frame.js';

const SALT = 5;
const LEADER = { node: 'n', address: 'a', leaseMs: 0, version: '0', featureLevel: 1, timeMs: 10 };

type Fields = Partial<Pick<FrameHeader, 'kind' | 'epoch' | 'idx' | 'firstSequence' | 'entryCount' | 'timeMs'>>;

/** A frame as the chain's owner would write it next, but for what is given. */
function frame(chain: Chain, fields: Fields, after = { epoch: chain.epoch, idx: chain.idx }, level = 1) {
  const header = new FrameHeader();
  const next = { epoch: chain.epoch, idx: chain.idx + 1, firstSequence: chain.nextSequence, timeMs: chain.timeMs };
  Object.assign(header, { kind: FrameKind.data, entryCount: 1, ...next, ...fields });
  const bytes = new Uint8Array(frameBytes(CONTROL_BODY_BYTES_MAX));
  if (header.kind === FrameKind.leader) {
    const record = { ...LEADER, featureLevel: level };
    const end = writeLeaderBody(bytes, FRAME_HEADER_BYTES, record, { ...after, runningChecksum: chain.running });
    header.bodyBytes = end - FRAME_HEADER_BYTES;
  }
  sealFrame(bytes, 0, header, chain.running, SALT);
  expect(header.probe(bytes, 0, bytes.length, SALT)).toBe('sound');
  return { header, bytes };
}

function led(): Chain {
  const chain = new Chain();
  const { header, bytes } = frame(chain, { kind: FrameKind.leader, epoch: 1, idx: 1, entryCount: 0, timeMs: 10 });
  expect(chain.objection(header, bytes, 0)).toBeUndefined();
  chain.advance(header, bytes, 0);
  return chain;
}

describe('a frame is accepted', () => {
  test('if it is the next of its epoch, or a leader record after the last one', () => {
    const chain = led();
    for (const fields of [{}, { entryCount: 5 }, { kind: FrameKind.checksum, entryCount: 0 }, { timeMs: 99 }]) {
      const { header, bytes } = frame(chain, fields);
      expect(chain.objection(header, bytes, 0)).toBeUndefined();
      chain.advance(header, bytes, 0);
    }
    expect(chain).toMatchObject({ epoch: 1, idx: 5, nextSequence: 8, timeMs: 99 });
    const next = frame(chain, { kind: FrameKind.leader, epoch: 7, idx: 1, entryCount: 0 });
    expect(chain.objection(next.header, next.bytes, 0)).toBeUndefined();
  });

  test.each<[string, Fields, { epoch: number; idx: number }?]>([
    ['another epoch', { epoch: 2 }],
    ['an earlier epoch', { epoch: 0 }],
    ['an idx that was there', { idx: 1 }],
    ['a hole', { idx: 3 }],
    ['another sequence', { firstSequence: 2 }],
    ['a time that goes back', { timeMs: 9 }],
    ['a leader of the same epoch', { kind: FrameKind.leader, epoch: 1, idx: 1, entryCount: 0 }],
    ['a leader that is not the first of its epoch', { kind: FrameKind.leader, epoch: 2, idx: 2, entryCount: 0 }],
    ['a leader that had not seen the last frame', { kind: FrameKind.leader, epoch: 2, idx: 1 }, { epoch: 1, idx: 0 }],
    ['a leader after a frame that is not there', { kind: FrameKind.leader, epoch: 2, idx: 1 }, { epoch: 1, idx: 2 }],
  ])('not with %s', (_, fields, after) => {
    const chain = led();
    const { header, bytes } = frame(chain, fields, after);
    expect(chain.objection(header, bytes, 0)).toBeTypeOf('string');
  });

  test('not behind other bytes than it names', () => {
    const chain = led();
    const { header, bytes } = frame(chain, {});
    chain.running[3]! ^= 1;
    expect(chain.objection(header, bytes, 0)).toMatch(/running checksum/);
  });
});

test('a feature level that this program does not know stops it, naming both', () => {
  const chain = new Chain();
  const fields = { kind: FrameKind.leader, epoch: 1, idx: 1, entryCount: 0 };
  const { header, bytes } = frame(chain, fields, undefined, 9);
  expect(() => chain.advance(header, bytes, 0)).toThrowError(
    expect.objectContaining({ code: 'LOG_LEVEL_UNKNOWN', message: expect.stringMatching(/level 9.*level 1/) }),
  );
});
