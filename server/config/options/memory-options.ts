/** Options of memory: the cap, eviction, defragmentation, freeing. */
import { INT_MAX, integerKind, LONG_MAX, limitedMemoryKind, memoryKind, wideIntegerKind } from '../number-kinds.js';
import { noEffect, option } from '../option.js';
import { booleanKind, choiceKind } from '../word-kinds.js';

/** Pages are numbered with 24 bits and hold 4 KiB. */
export const MAXMEMORY_BYTES_MAX = 64 * 1024 ** 3;

const NO_FIELDS = 'no step is long, however many fields a value has';
const FREED_IN_SLICES = 'what is deleted is always freed in slices';
const NO_CHILD = 'nothing is saved by a child process, and Node.js chooses its allocator';

export const memoryOptions = {
  maxmemory: option({
    kind: limitedMemoryKind(
      MAXMEMORY_BYTES_MAX,
      'argument must be at most 64gb, which is what this version can address',
    ),
    initial: 0,
    initialShown: "70 % of the cgroup's or the machine's memory, at most 64gb",
    changes: 'running',
    summary: 'Bytes that keys, values and buffers may use together; 0 lifts the cap. At most 64gb.',
    apply: (target, bytes) => target.setMaxmemory(bytes),
  }),
  'maxmemory-policy': option({
    kind: choiceKind([
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ]),
    initial: 'noeviction',
    changes: 'running',
    summary: 'Which keys go above maxmemory; with noeviction, commands that need memory get an error.',
    apply: (target, name) => target.setEvictionPolicy(name),
  }),
  'maxmemory-samples': option({
    kind: integerKind(1, INT_MAX),
    initial: 5,
    changes: 'running',
    summary: 'Keys of each database that are looked at for one that is evicted: more of them choose better and slower.',
    apply: (target, count) => target.setEvictionSamples(count),
  }),
  'maxmemory-eviction-tenacity': option({
    kind: integerKind(0, 100),
    initial: 10,
    changes: 'running',
    summary: 'How long evicting may delay one command: 10 for 0.5 ms, 100 for as long as it takes.',
    apply: (target, tenacity) => target.setEvictionTenacity(tenacity),
  }),
  'lfu-log-factor': option({
    kind: integerKind(0, INT_MAX),
    initial: 10,
    changes: 'running',
    summary: 'How slowly the counter of uses grows under an LFU policy.',
    apply: (target, factor) => target.setFrequencyLogFactor(factor),
  }),
  'lfu-decay-time': option({
    kind: integerKind(0, INT_MAX),
    initial: 1,
    changes: 'running',
    summary: 'Minutes without use that cost 1 of the counter under an LFU policy; 0 for never.',
    apply: (target, minutes) => target.setFrequencyDecayMinutes(minutes),
  }),
  activedefrag: option({
    kind: booleanKind,
    initial: false,
    changes: 'running',
    summary: 'Whether records are moved until whole chunks of memory can go back to the system.',
    apply: (target, value) => target.setDefragmentation({ enabled: value }),
  }),
  'active-defrag-ignore-bytes': option({
    kind: memoryKind(1n),
    initial: 100n * 1024n ** 2n,
    changes: 'running',
    summary: 'Bytes of wasted memory that activedefrag begins at.',
    apply: (target, value) => target.setDefragmentation({ ignoreBytes: Number(value) }),
  }),
  'active-defrag-threshold-lower': option({
    kind: integerKind(0, 1000),
    initial: 10,
    changes: 'running',
    summary: 'Wasted memory, in percent of what is used, that activedefrag begins at.',
    apply: (target, value) => target.setDefragmentation({ lowerPercent: value }),
  }),
  'active-defrag-threshold-upper': option({
    kind: integerKind(0, 1000),
    initial: 100,
    changes: 'running',
    summary: 'The same from which on it takes the most time.',
    apply: (target, value) => target.setDefragmentation({ upperPercent: value }),
  }),
  'active-defrag-cycle-min': option({
    kind: integerKind(1, 99),
    initial: 1,
    changes: 'running',
    summary: 'Share of a processor that it takes at the lower threshold, in percent.',
    apply: (target, value) => target.setDefragmentation({ cycleMinPercent: value }),
  }),
  'active-defrag-cycle-max': option({
    kind: integerKind(1, 99),
    initial: 25,
    changes: 'running',
    summary: 'The same at the upper threshold.',
    apply: (target, value) => target.setDefragmentation({ cycleMaxPercent: value }),
  }),
  'active-defrag-max-scan-fields': noEffect(wideIntegerKind(1n, LONG_MAX), 1000n, NO_FIELDS),
  'lazyfree-lazy-eviction': noEffect(booleanKind, false, FREED_IN_SLICES),
  'lazyfree-lazy-expire': noEffect(booleanKind, false, FREED_IN_SLICES),
  'lazyfree-lazy-server-del': noEffect(booleanKind, false, FREED_IN_SLICES),
  'lazyfree-lazy-user-del': noEffect(booleanKind, false, FREED_IN_SLICES),
  'lazyfree-lazy-user-flush': noEffect(booleanKind, false, FREED_IN_SLICES),
  'active-expire-effort': noEffect(integerKind(1, 10), 1, 'an index of deadlines says which keys have expired'),
  activerehashing: noEffect(booleanKind, true, 'the hash table grows page by page, without rehashing'),
  'jemalloc-bg-thread': noEffect(booleanKind, true, NO_CHILD),
  'disable-thp': noEffect(booleanKind, true, NO_CHILD, { changes: 'start' }),
};
