/** The texts of MEMORY DOCTOR and MEMORY MALLOC-STATS. */
import { KIND_NODE, KIND_RECORD, KIND_RUN } from '../core/memory/page-table.js';
import {
  CHUNK_SHIFT,
  CLASS_BYTES,
  CLASS_COUNT,
  CLASS_PAGES,
  CLASS_SLOTS,
  PAGE_BYTES,
} from '../core/memory/size-classes.js';
import { memoryFigures } from './memory-figures.js';
import type { ServerContext } from './server-context.js';

const MIB = 1024 ** 2;
/** Below so much nothing can be said: Redis' bound. */
const EMPTY_BYTES = 5 * MIB;
/** What is above Redis' ratios is worth a word only from here on. */
const WORTH_BYTES = 10 * MIB;
const PEAK_RATIO = 1.5;
const ALLOCATOR_RATIO = 1.1;
const CLIENT_BYTES_MAX = 200 * 1024;
/** The process beside its dataset: Node.js, compiled code, bounded buffers. Above it something else grows. */
const PROCESS_BYTES_MAX = 256 * MIB;

const NOTHING =
  "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";
const EMPTY =
  "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. " +
  'Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming ' +
  'as soon as I finished rebooting.\n';
const FOUND = 'Sam, I detected a few issues in this instance memory implants:\n\n';
const END = "I'm here to keep you safe, Sam. I want to help you.\n";

/** Advice, in Redis' words where they are true here. */
export function doctorReport(server: ServerContext): string {
  const all = memoryFigures(server);
  const { config, connections, engine } = server;
  if (all.used < EMPTY_BYTES) return EMPTY;
  const found: string[] = [];
  if (all.peak > all.used * PEAK_RATIO) {
    found.push(
      'Peak memory: In the past this instance used more than 150% the memory that is currently using. What is free is used ' +
        'again, and whole free chunks go back to the system; MEMORY PURGE moves records together until more of them are free.',
    );
  }
  if (all.active > all.allocated * ALLOCATOR_RATIO && all.active - all.allocated > WORTH_BYTES) {
    found.push(
      'High allocator fragmentation: This instance has pages with many free slots, more than 10% of what is in use. From a ' +
        "third on, sparse pages are emptied by themselves. Before that, 'CONFIG SET activedefrag yes' does so.",
    );
  }
  if (all.resident > all.active * ALLOCATOR_RATIO && all.resident - all.active > WORTH_BYTES) {
    found.push(
      'High allocator RSS overhead: This instance holds free pages, more than 10% of those in use. They are used again; ' +
        "MEMORY PURGE or 'CONFIG SET activedefrag yes' gives them back to the system.",
    );
  }
  if (all.rss - all.resident - all.index > PROCESS_BYTES_MAX) {
    found.push(
      'High process RSS overhead: The process needs more than 256 MB beside its dataset. Look at heap_used_bytes_all_isolates ' +
        'in INFO memory, and at the buffers of clients.',
    );
  }
  if (connections.count > 0 && all.clients / connections.count > CLIENT_BYTES_MAX) {
    found.push(
      'Big client buffers: The clients output buffers in this instance are greater than 200K per client (on average). This ' +
        'may result from different causes, like Pub/Sub clients subscribed to channels bot not receiving data fast enough, so that data piles on the instance output buffer, or clients sending commands with large replies or very large sequences of commands in the same pipeline. Please use the CLIENT LIST command in order to investigate the issue if it causes problems in your instance, or to understand better why certain clients are using a big amount of memory.',
    );
  }
  if (engine.maxmemory > 0 && all.used > engine.maxmemory && config.values['maxmemory-policy'] === 'noeviction') {
    found.push('Above maxmemory: commands that need memory are refused, because maxmemory-policy is noeviction.');
  }
  if (found.length === 0) return NOTHING;
  return FOUND + found.map((text) => ` * ${text}\n\n`).join('') + END;
}

/** Pages and slots by size class: one walk over the arena's books, some milliseconds for each million pages. */
export function mallocReport(server: ServerContext): string {
  const { arena } = server.engine;
  const { freePages, pages } = arena.tables;
  const spans = new Float64Array(CLASS_COUNT);
  const slots = new Float64Array(CLASS_COUNT);
  let runPages = 0;
  const end = freePages.chunkEnd << CHUNK_SHIFT;
  for (let page = 1; page < end; page++) {
    const kind = pages.kind[page];
    if (kind === KIND_RUN) runPages += pages.sizeClass[page]!;
    if (kind !== KIND_RECORD && kind !== KIND_NODE) continue;
    spans[pages.sizeClass[page]!]! += 1;
    slots[pages.sizeClass[page]!]! += pages.slotsUsed[page]!;
  }
  const { chunkCount, emptyChunkCount, freeBytes, pageBytes, usedBytes } = arena.stats;
  const lines = [
    '___ Begin holdfast-pages statistics ___',
    `Allocated: ${usedBytes}, active: ${pageBytes}, free pages: ${freeBytes}`,
    `Chunks of 4 MiB: ${chunkCount}, without a page in use: ${emptyChunkCount}, given back: ${arena.chunksDropped}`,
    `Runs of long values: ${runPages * PAGE_BYTES}`,
    'size pages slots/span spans slots_used util',
  ];
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const count = spans[sizeClass]!;
    if (count === 0) continue;
    const used = slots[sizeClass]!;
    const share = (used / (count * CLASS_SLOTS[sizeClass]!)).toFixed(3);
    lines.push([CLASS_BYTES[sizeClass], CLASS_PAGES[sizeClass], CLASS_SLOTS[sizeClass], count, used, share].join(' '));
  }
  lines.push('--- End holdfast-pages statistics ---', '');
  return lines.join('\n');
}
