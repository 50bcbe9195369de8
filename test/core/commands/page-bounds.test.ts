/**
 * The pages that commands declare to change, for values and keys so long that the nodes above their parts count. The
 * debug arena fails a command that changes more.
 */
import { expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

/** Bytes of parts under as many references as a node has, and of the largest node. */
const NODE_SPAN_BYTES = 254 * 65_520;
const NODE_BYTES = 1016;
const NODES_PER_PAGE = 4;

/** An engine with pages of nodes in use that each have one free slot, so that every new node changes another one. */
function engineWithGaps(pages: number): TestEngine {
  const engine = new TestEngine({ debug: true, capture: false });
  const { arena } = engine;
  engine.debugArena!.commandBegin('gaps', Number.POSITIVE_INFINITY);
  for (const keyspaceId of [1, 2]) {
    const nodes = Array.from({ length: pages * NODES_PER_PAGE }, () => arena.allocNode(keyspaceId, NODE_BYTES));
    for (let i = 0; i < nodes.length; i += NODES_PER_PAGE) arena.free(nodes[i]!);
  }
  engine.debugArena!.commandEnd();
  return engine;
}

const SPANS = 9;

test('values in more parts than a node refers to', { timeout: 60_000 }, () => {
  const engine = engineWithGaps(SPANS * 3);
  const value = new Uint8Array(SPANS * NODE_SPAN_BYTES).fill(120);
  expect(engine.run('SET', 'a', value)).toBe('+OK\r\n');
  expect(engine.run('COPY', 'a', 'a', 'DB', '1')).toBe(':1\r\n');
});

test('keys in more parts than a node refers to', { timeout: 60_000 }, () => {
  const engine = engineWithGaps(SPANS * 3);
  const key = new Uint8Array(SPANS * NODE_SPAN_BYTES).fill(107);
  expect(engine.run('INCR', key)).toBe(':1\r\n');
});
