/**
 * `npm run bench -- resp-parser`: server/resp/request-parser.ts beside the package redis-parser, on the path of requests:
 * nanoseconds and allocated bytes for each command, from pipelines cut in reads of 64 KiB. Both must hand over every
 * argument's bytes: ours as byte ranges of the read buffer, redis-parser as one Buffer each. Figures: docs/protocol.md.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import RedisParser from 'redis-parser';
import { Arguments } from '../core/arguments.js';
import { InputQueue } from '../server/connections/input-queue.js';
import { READ_HEADROOM } from '../server/connections/transport.js';
import type { PartialRequest } from '../server/resp/partial-request.js';
import { PARSE_COMPLETE, RequestParser } from '../server/resp/request-parser.js';
import { encodeCommand } from '../test/support/resp-client.js';
import { printJsonLine, printTable, shown } from './result-table.js';

const READ_BYTES = 64 * 1024;
const ROUNDS = 9;
const HEAP_COMMANDS = 100;

interface Shape {
  readonly name: string;
  readonly command: readonly string[];
  readonly count: number;
}

const SHAPES: readonly Shape[] = [
  { name: 'GET, 16-byte key', command: ['GET', 'key:000000001234'], count: 200_000 },
  { name: 'SET, 64-byte value', command: ['SET', 'key:000000001234', 'x'.repeat(64)], count: 200_000 },
  { name: 'SET, 1 KiB value', command: ['SET', 'key:000000001234', 'x'.repeat(1024)], count: 50_000 },
  { name: 'SET, 100 KiB value', command: ['SET', 'key:000000001234', 'x'.repeat(102_400)], count: 2000 },
  { name: 'MSET, 100 pairs', command: ['MSET', ...Array.from({ length: 200 }, (_, i) => `key:${i}`)], count: 3000 },
];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What keeps the work from being optimized away. */
let sink = 0;

function reads(shape: Shape): Buffer[] {
  const command = encodeCommand(shape.command);
  const whole = Buffer.concat(Array.from({ length: shape.count }, () => command));
  const pieces: Buffer[] = [];
  for (let at = 0; at < whole.length; at += READ_BYTES) pieces.push(whole.subarray(at, at + READ_BYTES));
  return pieces;
}

/** Parses as a connection does (server/connections/connection.ts): reads go to one buffer, what is incomplete is kept. */
class OwnReader {
  commands = 0;
  private readonly parser = new RequestParser(new Arguments(), { bulkBytesMax: 1 << 29 });
  private readonly buffer = new Uint8Array(READ_HEADROOM + READ_BYTES);
  private readonly kept = new InputQueue();
  private partial: PartialRequest | undefined;

  read(piece: Uint8Array): void {
    const { buffer, kept } = this;
    buffer.set(piece, READ_HEADROOM);
    const to = READ_HEADROOM + piece.length;
    let at = READ_HEADROOM;
    while (at < to) {
      const moved = kept.length === 0 ? at : kept.moveBefore(buffer, at, to);
      if (moved >= 0) {
        at = this.parse(buffer, moved, to);
        if (at < to) kept.appendFront(buffer, at, to, this.partial?.missing(to - at) ?? 0);
        return;
      }
      const missing = this.partial?.missing(kept.frontLength) ?? 0;
      const take = InputQueue.share(missing, at, to);
      kept.appendFront(buffer, at, at + take, missing - take);
      at += take;
      kept.consume(this.parse(kept.bytes, kept.start, kept.end));
    }
  }

  private parse(bytes: Uint8Array, from: number, to: number): number {
    const { parser } = this;
    const { args } = parser;
    let at = from;
    while (parser.parse(bytes, at, to, this.partial, true) === PARSE_COMPLETE) {
      this.partial = undefined;
      at = parser.position;
      this.commands++;
      for (let i = 0; i < args.count; i++) sink ^= args.bytes[args.start[i]!]!;
    }
    this.partial = parser.partial;
    return parser.position;
  }
}

function runOwn(pieces: readonly Buffer[]): number {
  const reader = new OwnReader();
  for (const piece of pieces) reader.read(piece);
  return reader.commands;
}

function runPackage(pieces: readonly Buffer[]): number {
  let commands = 0;
  const parser = new RedisParser({
    returnReply: (reply) => {
      commands++;
      for (const argument of reply as Buffer[]) sink ^= argument[0] ?? 0;
    },
    returnError: () => {
      throw new Error('not a request');
    },
    returnBuffers: true,
  });
  for (const piece of pieces) parser.execute(piece);
  return commands;
}

/** Best of several rounds, in ns a command; and how many bytes of heap a command allocates. */
function measure(run: (pieces: readonly Buffer[]) => number, shape: Shape): { nanoseconds: number; heapBytes: number } {
  const pieces = reads(shape);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = process.hrtime.bigint();
    const commands = run(pieces);
    const elapsed = Number(process.hrtime.bigint() - started);
    if (commands !== shape.count) throw new Error(`${commands} commands instead of ${shape.count}`);
    best = Math.min(best, elapsed / commands);
  }
  // Few enough that no collection comes in between.
  const few = reads({ ...shape, count: HEAP_COMMANDS });
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const commands = run(few);
  return { nanoseconds: best, heapBytes: (process.memoryUsage().heapUsed - before) / commands };
}

const results = SHAPES.map((shape) => ({
  shape: shape.name,
  own: measure(runOwn, shape),
  package: measure(runPackage, shape),
}));

printTable(
  ['requests', 'own ns', 'redis-parser ns', 'times', 'own heap bytes', 'redis-parser heap bytes'],
  results.map(({ shape, own, package: other }) => [
    shape,
    shown(own.nanoseconds),
    shown(other.nanoseconds),
    shown(other.nanoseconds / own.nanoseconds, 1),
    shown(own.heapBytes),
    shown(other.heapBytes),
  ]),
);
printJsonLine('resp-parser', { results, sink: sink & 1 });
