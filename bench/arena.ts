/**
 * What the arena's hot paths cost, and what a record costs in resident memory. Run it alone on a quiet machine:
 * `npm run build && node --expose-gc dist/bench/arena.js`, for the memory with a number of records behind it.
 */

import { Arena } from '../core/memory/arena.js';
import type { Reference } from '../core/memory/reference.js';

const RECORD_BYTES = 84;
const records = Number(process.argv[2] ?? 0);
const source = new Uint8Array(65_536).map((_, index) => index * 7);
const output = new Uint8Array(65_536);
let sink = 0;

/** The best of several rounds: the machine's other work only ever adds. */
function report(name: string, count: number, run: () => void, prepare: () => void = () => undefined): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round++) {
    prepare();
    const start = process.hrtime.bigint();
    run();
    best = Math.min(best, Number(process.hrtime.bigint() - start));
  }
  process.stdout.write(`${name.padEnd(44)} ${(best / count).toFixed(1).padStart(8)} ns\n`);
}

function store(arena: Arena, at: number): Reference {
  const reference = arena.allocRecord(1, RECORD_BYTES);
  const offset = arena.write(reference, 0, RECORD_BYTES);
  arena.put8(offset, 0x81);
  arena.put8(arena.advance(offset, 1), 0);
  arena.put8(arena.advance(offset, 2), 16);
  arena.put8(arena.advance(offset, 3), 64);
  arena.put(arena.advance(offset, 4), source, at, at + 16);
  arena.put(arena.advance(offset, 20), source, at + 16, at + 80);
  return reference;
}

function fill(arena: Arena, references: Int32Array): void {
  for (let i = 0; i < references.length; i++) references[i] = store(arena, i & 1023);
}

/** A pseudo-random order without tables: steps by a prime. */
function scattered(i: number, count: number): number {
  return (i * 7_919) % count;
}

function hotPaths(): void {
  const arena = new Arena();
  const references = new Int32Array(200_000);
  const freeAll = () => {
    for (const reference of references) arena.free(reference);
  };
  fill(arena, references);
  report('alloc + write, 84 bytes', references.length, () => fill(arena, references), freeAll);
  report('free', references.length, freeAll, () => {
    if (arena.usedBytes === 0) fill(arena, references);
  });
  fill(arena, references);
  report('free + alloc + write, scattered', references.length, () => {
    for (let i = 0; i < references.length; i++) {
      const at = scattered(i, references.length);
      arena.free(references[at]!);
      references[at] = store(arena, i & 1023);
    }
  });
  const few = references.subarray(0, 4096);
  report('offset + bytes + one read, warm', 100 * few.length, () => {
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < few.length; i++) {
        const reference = few[i]!;
        sink += arena.bytes(reference)[arena.offset(reference)]!;
      }
    }
  });
  report('write, no bytes put, warm', 100 * few.length, () => {
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < few.length; i++) sink += arena.write(few[i]!, 0, 8);
    }
  });
  report('equals, 16 bytes', 400_000, () => {
    for (let i = 0; i < 400_000; i++) sink += arena.equals(few[i & 1023]!, 4, output, 0, 16) ? 1 : 0;
  });
  report('copyOut, 64 bytes', 400_000, () => {
    for (let i = 0; i < 400_000; i++) arena.copyOut(few[i & 4095]!, 20, 64, output, 16 + (i & 1023));
  });
}

function memory(): void {
  const collect = globalThis.gc ?? (() => undefined);
  collect();
  const arena = new Arena();
  store(arena, 0);
  const before = process.memoryUsage();
  let slowestMs = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < records; ) {
    const sliceStart = process.hrtime.bigint();
    for (const end = Math.min(records, i + 1000); i < end; i++) {
      arena.reserve(RECORD_BYTES);
      sink ^= store(arena, i & 1023);
    }
    slowestMs = Math.max(slowestMs, Number(process.hrtime.bigint() - sliceStart) / 1e6);
  }
  const nanoseconds = Number(process.hrtime.bigint() - start);
  collect();
  const after = process.memoryUsage();
  const line = (name: string, value: string) => process.stdout.write(`${name.padEnd(44)} ${value.padStart(8)}\n`);
  line(`${records} records: ns each, fresh memory`, (nanoseconds / records).toFixed(1));
  line('  slowest 1,000, ms', slowestMs.toFixed(2));
  line('  resident bytes each', ((after.rss - before.rss) / records).toFixed(2));
  line('  JavaScript heap grown, KiB', ((after.heapUsed - before.heapUsed) / 1024).toFixed(0));
  if (arena.usedBytes < records) throw new Error('the records are gone');
}

if (process.argv[2] === undefined) hotPaths();
else memory();
if (sink === 1) process.stdout.write('');
