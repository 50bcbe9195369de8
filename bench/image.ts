/**
 * A page image of a dataset that is written to meanwhile: how long it takes, what it costs in memory, how many pages are
 * copied, and the longest slices of the thread that writes; then how long loading it takes. The load is made inside that
 * thread, without sockets or a log, in slices of a millisecond, uniform over all keys.
 * Run: `npm run bench -- image --keys 4m --rates 0,20000,100000 --directory DIR`.
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetDigest } from '../core/dataset-digest.js';
import { LoadableArena } from '../core/memory/loadable-arena.js';
import { LoadableKeyspace } from '../core/memory/loadable-keyspace.js';
import { ENCODING_RAW } from '../core/types/string.js';
import { SliceMeter } from '../server/slice-meter.js';
import { loadImageFile, openImageFile } from '../server/snapshots/image-file.js';
import { type MadeImage, PageImageMaker } from '../server/snapshots/page-image-maker.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../test/support/temporary-directory.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { printJsonLine, printTable, shown } from './result-table.js';

const KEY_BYTES = 16;
/** A page that no keys are on is not in the image; below so many free bytes the run would measure a full disk. */
const FREE_BYTES_MIN = 2 ** 31;
/** Writes go on for so long after the image, so that the two can be compared. */
const AFTER_MS = 500;

class Dataset {
  readonly arena = new LoadableArena();
  readonly keyspaces = [new LoadableKeyspace(1, this.arena, Uint32Array.of(1, 2))];
  readonly accessClock = { fresh: 1 };
  private readonly key = new Uint8Array(KEY_BYTES).fill(48);
  private readonly value: Uint8Array;
  private state = 1;

  constructor(valueBytes: number) {
    this.value = new Uint8Array(valueBytes).fill(120);
  }

  write(number: number): void {
    const { key, value } = this;
    let rest = number;
    for (let i = KEY_BYTES - 1; i >= 4; i--) {
      key[i] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    value[0] = this.state;
    const keyspace = this.keyspaces[0]!;
    keyspace.find(key, 0, KEY_BYTES);
    keyspace.store(key, 0, KEY_BYTES, value, 0, value.length, ENCODING_RAW, false, 0, 0);
  }

  /** Overwrites keys at random. */
  overwrite(count: number, keys: number): void {
    for (let i = 0; i < count; i++) {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
      this.write(Math.floor(((this.state >>> 4) / 2 ** 28) * keys));
    }
  }
}

interface Load {
  /** Writes that found no room, in slices. */
  parkedSlices: number;
  writes: number;
  stop(): void;
}

/** Writes at a rate until it is stopped: what is due at each turn of the event loop, at most 10 ms of it at once. */
function startLoad(dataset: Dataset, keys: number, rate: number, slices: SliceMeter): Load {
  let running = rate > 0;
  let due = performance.now();
  const load: Load = {
    parkedSlices: 0,
    writes: 0,
    stop: () => {
      running = false;
    },
  };
  const turn = (): void => {
    if (!running) return;
    const now = performance.now();
    due = Math.max(due, now - 10);
    const count = Math.floor(((now - due) * rate) / 1000);
    if (count > 0) {
      if (dataset.arena.room(1)) {
        slices.begin();
        dataset.overwrite(count, keys);
        slices.end();
        load.writes += count;
        due += (count * 1000) / rate;
      } else {
        load.parkedSlices++;
      }
    }
    if (count > 0) setImmediate(turn);
    else setTimeout(turn, 1);
  };
  turn();
  return load;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Row {
  readonly rate: number;
  readonly made: MadeImage;
  readonly cpuDuringMs: number;
  readonly cpuAfterMs: number;
  readonly parkedSlices: number;
  readonly share: number;
  readonly writesPerSecond: number;
}

function longestCpuMs(slices: SliceMeter): number {
  return (
    Math.max(0, ...slices.top().map(({ cpuMicros, wallMicros }) => (cpuMicros < 0 ? wallMicros : cpuMicros))) / 1000
  );
}

async function measure(
  dataset: Dataset,
  maker: PageImageMaker,
  path: string,
  keys: number,
  rate: number,
): Promise<Row> {
  const nowMicros = (): number => performance.now() * 1000;
  const during = new SliceMeter(nowMicros, true);
  const load = startLoad(dataset, keys, rate, during);
  await pause(AFTER_MS);
  during.reset();
  const run = await maker.prepare(path);
  const before = load.writes;
  run.cut();
  const made = await run.whole;
  const digest = rate === 0 ? datasetDigest(dataset.arena, dataset.keyspaces) : '';
  const writes = load.writes - before;
  const cpuDuringMs = longestCpuMs(during);
  during.reset();
  await pause(AFTER_MS);
  const cpuAfterMs = longestCpuMs(during);
  load.stop();
  await pause(5);
  if (digest !== '') {
    const image = openImageFile(path);
    if (datasetDigest(image.dataset.arena, image.dataset.keyspaces) !== digest) throw new Error('the image is wrong');
    image.close();
  }
  const share = made.extraBytesPeak / dataset.arena.stats.pageBytes;
  const writesPerSecond = (writes * 1000) / made.milliseconds;
  return { rate, made, cpuDuringMs, cpuAfterMs, parkedSlices: load.parkedSlices, share, writesPerSecond };
}

async function loadMilliseconds(path: string, valueBytes: number): Promise<number> {
  const target = new Dataset(valueBytes);
  const started = performance.now();
  await loadImageFile(path, target, () => {});
  return performance.now() - started;
}

/**
 * @param args --keys 4m, --value-bytes 64, --rates 0,20000,100000 (writes a second), --rounds 3 (the median counts),
 *   --directory (where the image goes; its disk is measured too).
 */
export async function runImageBenchmark(args: string[]): Promise<void> {
  const defaults = { keys: '4m', 'value-bytes': '64', rates: '0,20000,100000', rounds: '3', directory: tmpdir() };
  const options = new BenchmarkOptions(args, defaults);
  const [keys = 0] = options.counts('keys');
  const directory = makeTemporaryDirectory('image', options.text('directory'));
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize < FREE_BYTES_MIN) throw new Error(`${directory} has too little room`);
  const dataset = new Dataset(options.number('value-bytes'));
  for (let number = 0; number < keys; number++) dataset.write(number);
  const maker = new PageImageMaker(dataset);
  const path = join(directory, 'bench.image');
  await maker.warmUp(path);
  const rows: Row[] = [];
  for (const rate of options.list('rates').map(Number)) {
    const rounds: Row[] = [];
    for (let i = 0; i < options.number('rounds'); i++) rounds.push(await measure(dataset, maker, path, keys, rate));
    rounds.sort((one, other) => one.made.viewMilliseconds - other.made.viewMilliseconds);
    rows.push(rounds[rounds.length >> 1]!);
  }
  const loads: number[] = [];
  for (let i = 0; i < 3; i++) loads.push(await loadMilliseconds(path, options.number('value-bytes')));
  loads.sort((one, other) => one - other);
  removeTemporaryDirectory(directory);
  printTable(
    ['writes/s', 'done', 'view, s', 'synced, s', 'MB', 'copied', 'extra', 'slice, ms', 'without', 'cut, us', 'parked'],
    rows.map(({ rate, made, cpuDuringMs, cpuAfterMs, parkedSlices, share, writesPerSecond }) => [
      ...[
        String(rate),
        shown(writesPerSecond),
        shown(made.viewMilliseconds / 1000, 2),
        shown(made.milliseconds / 1000, 2),
      ],
      ...[
        shown(made.bytes / 1e6),
        `${shown((made.copiedPages / made.pages) * 100, 1)} %`,
        `${shown(share * 100, 1)} %`,
      ],
      ...[shown(cpuDuringMs, 2), shown(cpuAfterMs, 2), String(made.cutMicros), String(parkedSlices)],
    ]),
  );
  console.log(`loading the image: ${shown(loads[1]! / 1000, 2)} s`);
  printJsonLine('image', { keys, rows, loadMilliseconds: loads });
}
