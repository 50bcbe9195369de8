/**
 * How fast the keyspace alone is: SET over existing keys, GET with copying out, INCR in place, and loading, with the
 * longest slice. Times are CPU time of the process, so that other programs disturb less; the wall clock is beside it.
 * Run: `npm run build && node dist/bench/keyspace.js [keys to load]`.
 */
import { Arena } from '../core/memory/arena.js';
import { Keyspace } from '../core/memory/keyspace.js';
import { ENCODING_EMBSTR, ENCODING_RAW, setInteger } from '../core/types/string.js';

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
const WARM_KEYS = 100_000;
const ROUNDS = 12;
/** Keys between two looks at the clock while loading. */
const SLICE_KEYS = 64;

function putKey(buffer: Uint8Array, at: number, number: number): void {
  buffer.set([107, 101, 121, 58], at);
  let rest = number;
  for (let i = KEY_BYTES - 1; i >= 4; i--) {
    buffer[at + i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** A read buffer with many commands' arguments, as the engine sees them: keys in random order, one value. */
class Arguments {
  readonly bytes: Uint8Array;
  readonly count = 8192;
  readonly valueAt: number;

  constructor(keys: number) {
    this.bytes = new Uint8Array(this.count * KEY_BYTES + VALUE_BYTES);
    this.valueAt = this.count * KEY_BYTES;
    this.bytes.fill(120, this.valueAt);
    for (let i = 0; i < this.count; i++) putKey(this.bytes, i * KEY_BYTES, Math.floor(Math.random() * keys));
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function measure(name: string, run: () => number): void {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const startedCpu = cpuMicros();
    const operations = run();
    cpu.push(((cpuMicros() - startedCpu) * 1e3) / operations);
    wall.push(((performance.now() - started) * 1e6) / operations);
  }
  const column = (value: number): string => value.toFixed(0).padStart(6);
  const least = Math.min(...cpu);
  console.log(`${name.padEnd(30)}${column(median(cpu))} ns, least${column(least)} ns (wall${column(median(wall))} ns)`);
}

function warm(): void {
  const arena = new Arena();
  const keyspace = new Keyspace(1, arena, Uint32Array.of(1, 2));
  const key = new Uint8Array(KEY_BYTES);
  const value = new Uint8Array(VALUE_BYTES).fill(97);
  for (let i = 0; i < WARM_KEYS; i++) {
    putKey(key, 0, i);
    keyspace.find(key, 0, KEY_BYTES);
    keyspace.store(key, 0, KEY_BYTES, value, 0, VALUE_BYTES, ENCODING_RAW, false, 0, 0);
  }
  const buffers = Array.from({ length: 32 }, () => new Arguments(WARM_KEYS));
  const out = new Uint8Array(1 << 16);
  const each = (run: (args: Arguments, at: number) => void): number => {
    for (const args of buffers) for (let i = 0; i < args.count; i++) run(args, i * KEY_BYTES);
    return buffers.length * buffers[0]!.count;
  };
  measure('find', () => each((args, at) => void keyspace.find(args.bytes, at, at + KEY_BYTES)));
  measure('SET of an existing key', () =>
    each((args, at) => {
      const { bytes, valueAt } = args;
      keyspace.find(bytes, at, at + KEY_BYTES);
      keyspace.setClock(at);
      keyspace.store(bytes, at, at + KEY_BYTES, bytes, valueAt, valueAt + VALUE_BYTES, ENCODING_RAW, false, 0, 0);
    }),
  );
  let position = 0;
  measure('GET with copy out', () =>
    each((args, at) => {
      const reference = keyspace.find(args.bytes, at, at + KEY_BYTES);
      keyspace.setClock(at);
      if (keyspace.hasExpiry(reference)) throw new Error('no key has a deadline');
      const length = keyspace.valueLength(reference);
      if (position + length > out.length) position = 0;
      keyspace.copyValue(reference, 0, length, out, position);
      position += length;
    }),
  );
  const digits = new Uint8Array([49, 50, 51]);
  measure('INCR in place (3 digits)', () =>
    each((args, at) => {
      keyspace.find(args.bytes, at, at + KEY_BYTES);
      setInteger(keyspace, digits, 0, 3);
    }),
  );
  const far = Uint8Array.of(0);
  measure('SET with a deadline', () =>
    each((args, at) => {
      const { bytes, valueAt } = args;
      keyspace.find(bytes, at, at + KEY_BYTES);
      keyspace.store(bytes, at, at + KEY_BYTES, bytes, valueAt, valueAt + 40, ENCODING_EMBSTR, true, 400, at);
    }),
  );
  measure('DEL and SET', () =>
    each((args, at) => {
      const { bytes } = args;
      if (keyspace.find(bytes, at, at + KEY_BYTES) !== 0) keyspace.remove();
      keyspace.store(bytes, at, at + KEY_BYTES, far, 0, 1, ENCODING_EMBSTR, false, 0, 0);
    }),
  );
}

function load(keys: number): void {
  const arena = new Arena();
  const keyspace = new Keyspace(1, arena, Uint32Array.of(3, 4));
  // Key and value in one buffer, as in a command that was read from a socket.
  const command = new Uint8Array(KEY_BYTES + VALUE_BYTES).fill(97);
  const longest: number[] = [];
  const startedWall = performance.now();
  const started = cpuMicros();
  let before = started;
  for (let i = 0; i < keys; i++) {
    putKey(command, 0, i);
    keyspace.find(command, 0, KEY_BYTES);
    keyspace.store(command, 0, KEY_BYTES, command, KEY_BYTES, command.length, ENCODING_RAW, false, 0, 0);
    if (i % SLICE_KEYS === 0) {
      const now = cpuMicros();
      longest.push((now - before) / 1e3);
      before = now;
      if (longest.length > 1000) longest.sort((a, b) => b - a).length = 5;
    }
  }
  const cpu = ((cpuMicros() - started) / 1e6).toFixed(2);
  const wall = ((performance.now() - startedWall) / 1e3).toFixed(2);
  longest.sort((a, b) => b - a).length = 5;
  console.log(`${keys} keys of ${KEY_BYTES} + ${VALUE_BYTES} bytes: ${cpu} s (wall ${wall} s)`);
  console.log(`longest slices of ${SLICE_KEYS} keys: ${longest.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  const { pageBytes, usedBytes } = arena.stats;
  const perKey = (bytes: number): string => (bytes / keys).toFixed(1);
  console.log(
    `bytes a key: ${perKey(usedBytes)} in slots, ${perKey(pageBytes)} in pages, ${perKey(keyspace.indexBytes)} in the table; ` +
      `resident ${perKey(process.memoryUsage.rss())}, heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} MB`,
  );
}

warm();
const keys = Number(process.argv[2] ?? 8_000_000);
if (keys > 0) load(keys);
