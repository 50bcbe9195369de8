/** Options of memory: the cap, eviction, defragmentation, freeing. */
import { INT_MAX, integerKind, LONG_MAX, limitedMemoryKind, memoryKind, wideIntegerKind } from '../number-kinds.js';
import { noEffect, option } from '../option.js';
import { booleanKind, choiceKind } from '../word-kinds.js';

/** Pages are numbered with 24 bits and hold 4 KiB. */
export const MAXMEMORY_BYTES_MAX = 64 * 1024 ** 3;

const NO_EVICTION = 'this version evicts no keys';
const NO_DEFRAGMENTATION = 'this version does not move records';
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
    fixed: NO_EVICTION,
    summary: 'What happens above maxmemory: commands that need memory get an error.',
  }),
  'maxmemory-samples': noEffect(integerKind(1, INT_MAX), 5, NO_EVICTION),
  'maxmemory-eviction-tenacity': noEffect(integerKind(0, 100), 10, NO_EVICTION),
  'lfu-log-factor': noEffect(integerKind(0, INT_MAX), 10, NO_EVICTION),
  'lfu-decay-time': noEffect(integerKind(0, INT_MAX), 1, NO_EVICTION),
  activedefrag: noEffect(booleanKind, false, NO_DEFRAGMENTATION),
  'active-defrag-ignore-bytes': noEffect(memoryKind(1n), 100n * 1024n ** 2n, NO_DEFRAGMENTATION),
  'active-defrag-threshold-lower': noEffect(integerKind(0, 1000), 10, NO_DEFRAGMENTATION),
  'active-defrag-threshold-upper': noEffect(integerKind(0, 1000), 100, NO_DEFRAGMENTATION),
  'active-defrag-cycle-min': noEffect(integerKind(1, 99), 1, NO_DEFRAGMENTATION),
  'active-defrag-cycle-max': noEffect(integerKind(1, 99), 25, NO_DEFRAGMENTATION),
  'active-defrag-max-scan-fields': noEffect(wideIntegerKind(1n, LONG_MAX), 1000n, NO_DEFRAGMENTATION),
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
