/** Options of the log, of snapshots and of their files. */
import { savePointsKind } from '../list-kinds.js';
import { INT_MAX, INT_MIN, integerKind, memoryKind } from '../number-kinds.js';
import { noEffect, option } from '../option.js';
import { baseNameKind, booleanKind, choiceKind, textKind } from '../word-kinds.js';

const ALWAYS_LOGGED = 'every write is in the log before it is acknowledged';
const NO_AOF = 'there is no append-only file: the transaction log is in `dir`, in a format of its own';
const NO_CHILD = 'nothing is saved by a child process';
const FOR_TESTS = "it slows Redis down for Redis' own tests";

export const persistenceOptions = {
  dir: option({
    kind: textKind,
    initial: './data',
    changes: 'protected',
    deniedWhileLoading: true,
    summary: 'Directory of the log; made if it is missing. A running server takes only the one that it has.',
    apply: (target, path) => target.setDirectory(path),
  }),
  dbfilename: option({
    kind: baseNameKind('dbfilename', 'filename', true),
    initial: 'dump.rdb',
    changes: 'protected',
    summary: "File in `dir` that the newest snapshot is copied to; '' for none.",
  }),
  save: option({
    kind: savePointsKind,
    initial: [3600, 1, 300, 100, 60, 10000],
    changes: 'running',
    summary: "When a snapshot is taken: after so many seconds with at least so many changes; '' for never.",
  }),
  'stop-writes-on-bgsave-error': noEffect(
    booleanKind,
    true,
    'a snapshot that fails loses nothing: every write is in the log, which is not trimmed then',
  ),
  rdbcompression: option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    summary: 'Whether strings in snapshots are compressed.',
  }),
  rdbchecksum: noEffect(booleanKind, true, 'snapshots always have their checksum', { changes: 'start' }),
  'rdb-save-incremental-fsync': noEffect(booleanKind, true, 'snapshots are always synced in pieces'),
  'rdb-del-sync-files': noEffect(booleanKind, false, 'there is no replication, so there are no files of it'),
  'sanitize-dump-payload': noEffect(
    choiceKind(['no', 'yes', 'clients']),
    'no',
    'what RESTORE is given is always checked as a whole',
  ),
  bgsave_cpulist: noEffect(textKind, '', NO_CHILD, { changes: 'start' }),
  'rdb-key-save-delay': noEffect(integerKind(INT_MIN, INT_MAX), 0, FOR_TESTS, { hidden: true }),
  'key-load-delay': noEffect(integerKind(INT_MIN, INT_MAX), 0, FOR_TESTS, { hidden: true }),
  'loading-process-events-interval-bytes': noEffect(
    integerKind(1024, INT_MAX),
    2 * 1024 ** 2,
    'clients are answered between the slices of a recovery',
    { hidden: true },
  ),
  appendonly: option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    fixed: ALWAYS_LOGGED,
    deniedWhileLoading: true,
    summary: 'Always yes.',
  }),
  appendfsync: option({
    kind: choiceKind(['everysec', 'always', 'no']),
    initial: 'always',
    changes: 'running',
    fixed: ALWAYS_LOGGED,
    summary: 'Always `always`: no reply leaves before the write that it shows is on disk.',
  }),
  appendfilename: option({
    kind: baseNameKind('appendfilename', 'filename'),
    initial: 'appendonly.aof',
    changes: 'start',
    summary: "What a Redis' append-only files are called that an empty server takes over. It writes none.",
  }),
  appenddirname: option({
    kind: baseNameKind('appenddirname', 'dirname'),
    initial: 'appendonlydir',
    changes: 'start',
    summary: "Directory in `dir` with a Redis' append-only files, which an empty server takes over. It writes none.",
  }),
  'no-appendfsync-on-rewrite': noEffect(booleanKind, false, ALWAYS_LOGGED),
  'auto-aof-rewrite-percentage': option({
    kind: integerKind(0, INT_MAX),
    initial: 100,
    changes: 'running',
    summary:
      "A snapshot is taken, and the log trimmed, when the log has grown by so many percent of the last snapshot's size; 0 for never.",
  }),
  'auto-aof-rewrite-min-size': option({
    kind: memoryKind(0n),
    initial: 64n * 1024n ** 2n,
    changes: 'running',
    summary: 'Growth of the log below this takes no snapshot by itself.',
  }),
  'aof-rewrite-incremental-fsync': noEffect(booleanKind, true, NO_AOF),
  'aof-load-truncated': option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    summary:
      "Whether a Redis' last append-only file, taken over by an empty server, may end in the middle of a command. Of the " +
      'log a torn tail is always cut and reported, and damage always refused.',
  }),
  'aof-use-rdb-preamble': noEffect(booleanKind, true, NO_AOF),
  'aof-timestamp-enabled': noEffect(booleanKind, false, 'every frame of the log carries its time'),
  'aof-disable-auto-gc': noEffect(booleanKind, false, NO_AOF),
  aof_rewrite_cpulist: noEffect(textKind, '', NO_CHILD, { changes: 'start' }),
  'commit-inline': option({
    kind: booleanKind,
    initial: true,
    changes: 'start',
    summary: 'Whether small batches are committed by the server thread itself while the disk is fast.',
  }),
  'unsafe-no-directory-lock': option({
    kind: booleanKind,
    initial: false,
    changes: 'start',
    summary: 'Starts where no lock of the directory can be had. Two servers on one directory destroy it.',
  }),
};
