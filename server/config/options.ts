/**
 * Every option of the configuration, declared once. CONFIG GET and SET, configuration files, the command line,
 * startServer and docs/configuration.md are all made from this table. A new option is one entry here, and where it acts
 * on the running server, one method of ConfigTarget.
 */
import type { ConfigTarget } from './config-target.js';
import {
  booleanKind,
  choiceKind,
  frequencyKind,
  integerKind,
  memoryKind,
  memoryOrPercentKind,
  type OptionKind,
  outputBufferLimitsKind,
  permissionsKind,
  savePointsKind,
  textKind,
  wordsKind,
} from './option-kinds.js';

/** Pages are numbered with 24 bits and hold 4 KiB. */
export const MAXMEMORY_BYTES_MAX = 64 * 1024 ** 3;
/** What a running server needs of file descriptors beside its clients. */
export const RESERVED_FILES = 32;

const MIB = 1024 ** 2;

export interface Option<T> {
  readonly kind: OptionKind<T>;
  readonly initial: NoInfer<T>;
  /** When it may change: 'running' also by CONFIG SET, 'start' and 'protected' never; the two differ in Redis' error. */
  readonly changes: 'running' | 'start' | 'protected';
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Other names, as old versions of Redis had them. */
  readonly aliases?: readonly string[];
  /**
   * Why the option has only its initial value. A start with another value goes on with a warning, because files made
   * for Redis name such options; CONFIG SET refuses it.
   */
  readonly fixed?: string;
  /** True for an option that is kept and shown, and that changes nothing. */
  readonly inert?: boolean;
  /** What it is by default, where `initial` does not say it. */
  readonly initialShown?: string;
  /** Makes the running server follow the value. @throws ConfigValueError when it cannot. */
  apply?(target: ConfigTarget, value: T): void;
}

function option<T>(declaration: Option<T>): Option<T> {
  return declaration;
}

const ALWAYS_LOGGED = 'every write is in the log before it is acknowledged';

export const OPTIONS = {
  port: option({
    kind: integerKind(0, 65535),
    initial: 6379,
    changes: 'start',
    summary: 'TCP port; 0 takes a free one when the server is embedded or tested.',
  }),
  bind: option({
    kind: wordsKind(16),
    initial: ['127.0.0.1', '-::1'],
    changes: 'start',
    summary: 'Addresses to listen on; one with a leading `-` may be missing on the machine. `*` means all.',
  }),
  unixsocket: option({
    kind: textKind,
    initial: '',
    changes: 'start',
    summary: 'Path of a unix socket to listen on as well.',
  }),
  unixsocketperm: option({
    kind: permissionsKind,
    initial: 0,
    changes: 'start',
    summary: 'Permissions of the unix socket; 0 leaves what the umask makes of it.',
  }),
  'tcp-backlog': option({
    kind: integerKind(0, 2147483647),
    initial: 511,
    changes: 'start',
    summary: 'Connections that may wait to be accepted.',
  }),
  'protected-mode': option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    summary: 'Without a password, connections from other machines are refused.',
    apply: (target, on) => target.setProtectedMode(on),
  }),
  requirepass: option({
    kind: textKind,
    initial: '',
    changes: 'running',
    summary: "Password of the user `default`; '' for none.",
    apply: (target, password) => target.setPassword(password),
  }),
  timeout: option({
    kind: integerKind(0, 2147483647),
    initial: 0,
    changes: 'running',
    summary: 'Seconds after which an idle connection is closed; 0 for never.',
    apply: (target, seconds) => target.setTimeoutSeconds(seconds),
  }),
  'tcp-keepalive': option({
    kind: integerKind(0, 2147483647),
    initial: 300,
    changes: 'running',
    summary: 'Seconds between TCP keep-alive probes of an idle connection; 0 for none.',
    apply: (target, seconds) => target.setTcpKeepaliveSeconds(seconds),
  }),
  maxclients: option({
    kind: integerKind(1, 4294967295),
    initial: 10000,
    changes: 'running',
    summary: 'Connections at once; further ones get an error.',
    apply: (target, count) => target.setMaxclients(count),
  }),
  'client-query-buffer-limit': option({
    kind: memoryKind(MIB),
    initial: 1024 * MIB,
    changes: 'running',
    summary: 'Bytes of a connection that may wait to be executed.',
    apply: (target, bytes) => target.setQueryBufferBytesMax(bytes),
  }),
  'client-output-buffer-limit': option({
    kind: outputBufferLimitsKind,
    initial: {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * MIB, softBytes: 64 * MIB, softSeconds: 60 },
      pubsub: { hardBytes: 32 * MIB, softBytes: 8 * MIB, softSeconds: 60 },
    },
    changes: 'running',
    summary: 'When a client that does not read its replies is closed.',
    apply: (target, limits) => target.setOutputBufferLimits(limits),
  }),
  'proto-max-bulk-len': option({
    kind: memoryKind(MIB),
    initial: 512 * MIB,
    changes: 'running',
    summary: 'Largest single argument of a command.',
    apply: (target, bytes) => target.setBulkBytesMax(bytes),
  }),
  maxmemory: option({
    kind: memoryKind(0),
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
    fixed: 'this version evicts no keys',
    summary: 'What happens above maxmemory: commands that need memory get an error.',
  }),
  'maxmemory-clients': option({
    kind: memoryOrPercentKind,
    initial: 0,
    changes: 'running',
    summary:
      'Bytes that all connections may use together, or a percentage of maxmemory; 0 means a quarter of maxmemory.',
    apply: (target, amount) => target.setMaxmemoryClients(amount),
  }),
  databases: option({
    kind: integerKind(1, 64),
    initial: 16,
    changes: 'start',
    summary: 'Number of databases for SELECT.',
  }),
  dir: option({
    kind: textKind,
    initial: './data',
    changes: 'protected',
    summary: 'Directory of the log; made if it is missing.',
  }),
  'enable-debug-command': option({
    kind: choiceKind(['no', 'yes', 'local']),
    initial: 'no',
    changes: 'start',
    summary: 'Whether DEBUG may be used: by nobody, by anyone, or by clients of this machine.',
  }),
  save: option({
    kind: savePointsKind,
    initial: [],
    changes: 'running',
    inert: true,
    summary: `Kept for clients that ask; ${ALWAYS_LOGGED}.`,
  }),
  appendonly: option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    fixed: ALWAYS_LOGGED,
    summary: 'Always yes.',
  }),
  appendfsync: option({
    kind: choiceKind(['everysec', 'always', 'no']),
    initial: 'always',
    changes: 'running',
    fixed: ALWAYS_LOGGED,
    summary: 'Always `always`: no reply leaves before the write that it shows is on disk.',
  }),
  hz: option({
    kind: frequencyKind,
    initial: 10,
    changes: 'running',
    summary: 'Ticks of background work a second, from the start on; work that is left goes on between ticks.',
  }),
  loglevel: option({
    kind: choiceKind(['debug', 'verbose', 'notice', 'warning']),
    initial: 'notice',
    changes: 'running',
    summary: 'Least severity that is logged.',
    apply: (target, level) => target.setLogLevel(level),
  }),
  logfile: option({
    kind: textKind,
    initial: '',
    changes: 'start',
    summary: "File that log lines are appended to; '' for the standard output.",
  }),
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
} satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof OPTIONS;

/** The value of every option by its name. */
export type ConfigValues = {
  [K in OptionName]: (typeof OPTIONS)[K] extends Option<infer T> ? T : never;
};

/** The table without its types, for code that handles every option alike. */
export const OPTION_TABLE: ReadonlyMap<string, Option<unknown>> = new Map(Object.entries(OPTIONS));

/** The canonical name of an option from its name or alias, in whatever case, or undefined. */
export function findOption(name: string): string | undefined {
  return NAMES.get(name.toLowerCase());
}

const NAMES: ReadonlyMap<string, string> = namesOf(OPTION_TABLE);

function namesOf(table: ReadonlyMap<string, Option<unknown>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { aliases }] of table) {
    for (const known of [name, ...(aliases ?? [])]) {
      if (names.has(known)) throw new Error(`option declared twice: ${known}`);
      names.set(known, name);
    }
  }
  return names;
}
