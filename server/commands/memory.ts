/** MEMORY and its subcommands. What the figures are is in server/memory-figures.ts. */
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import { PAGES_TO_LOOK_ONCE } from '../../core/commands/page-bounds.js';
import { ABSENT } from '../../core/database.js';
import type { Execution } from '../../core/execution.js';
import type { Session } from '../../core/session.js';
import type { SlicedTask } from '../../core/sliced-task.js';
import { memoryFigures } from '../memory-figures.js';
import { doctorReport, mallocReport } from '../memory-report.js';
import type { ServerContext } from '../server-context.js';

const HELP: readonly string[] = [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Nested values are',
  '    sampled up to <count> times (default: 5, 0 means sample all).',
];
/** An integer of 64 bits, as Redis reads one. */
const INTEGER = /^(0|-?[1-9]\d{0,18})$/;
const INT64_MAX = 2n ** 63n - 1n;

/** Whether the options are right; else the error is replied. Strings are never sampled, so the count changes nothing. */
function samplesAreRight(x: Execution): boolean {
  const { args } = x;
  for (let i = 3; i < args.count; i += 2) {
    if (!args.is(i, 'SAMPLES') || i + 1 >= args.count) {
      x.syntaxError();
      return false;
    }
    const text = args.latin1(i + 1, 32);
    if (!INTEGER.test(text) || BigInt(text) > INT64_MAX || BigInt(text) < -INT64_MAX - 1n) {
      x.reply.error('ERR value is not an integer or out of range');
      return false;
    }
    if (text.startsWith('-')) {
      x.syntaxError();
      return false;
    }
  }
  return true;
}

function usageCommand(x: Execution): void {
  if (!samplesAreRight(x)) return;
  const found = x.database.lookupUncounted(2);
  if (found === ABSENT) x.reply.nil();
  else x.reply.integer(x.database.memoryOf(found));
}

type Figure = readonly [name: string, value: number, double?: true];

function statsCommand(server: ServerContext, x: Execution): void {
  x.database.dependOnAll();
  const all = memoryFigures(server);
  const { reply } = x;
  const before: Figure[] = [
    ['peak.allocated', all.peak],
    ['total.allocated', all.used],
    ['startup.allocated', all.startup],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', all.clients],
    ['cluster.links', 0],
    ['aof.buffer', all.uncommitted],
    ['lua.caches', 0],
    ['functions.caches', 0],
  ];
  const ratio = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);
  const after: Figure[] = [
    ['overhead.total', all.overhead],
    ['keys.count', all.keys],
    ['keys.bytes-per-key', all.keys === 0 ? 0 : Math.round((all.used - all.startup) / all.keys)],
    ['dataset.bytes', all.dataset],
    ['dataset.percentage', all.datasetPercent, true],
    ['peak.percentage', ratio(all.used, all.peak) * 100, true],
    ['allocator.allocated', all.allocated],
    ['allocator.active', all.active],
    ['allocator.resident', all.resident],
    ['allocator-fragmentation.ratio', ratio(all.active, all.allocated), true],
    ['allocator-fragmentation.bytes', all.active - all.allocated],
    ['allocator-rss.ratio', ratio(all.resident, all.active), true],
    ['allocator-rss.bytes', all.resident - all.active],
    ['rss-overhead.ratio', ratio(all.rss, all.resident), true],
    ['rss-overhead.bytes', all.rss - all.resident],
    ['fragmentation', ratio(all.rss, all.used), true],
    ['fragmentation.bytes', all.rss - all.used],
  ];
  const databases = server.engine.keyspaces.map((keyspace, number) => ({ keyspace, number }));
  const filled = databases.filter(({ keyspace }) => keyspace.count > 0);
  reply.map(before.length + filled.length + after.length);
  for (const figure of before) replyFigure(x, figure);
  for (const { keyspace, number } of filled) {
    reply.bulkLatin1(`db.${number}`);
    reply.map(3);
    replyFigure(x, ['overhead.hashtable.main', keyspace.tableBytes]);
    replyFigure(x, ['overhead.hashtable.expires', keyspace.indexBytes - keyspace.tableBytes]);
    replyFigure(x, ['overhead.hashtable.slot-to-keys', 0]);
  }
  for (const figure of after) replyFigure(x, figure);
}

function replyFigure({ reply }: Execution, [name, value, double]: Figure): void {
  reply.bulkLatin1(name);
  if (double === true) reply.doubleText(String(value));
  else reply.integer(value);
}

/** How long a purge rests before it looks again whether a view is still open. */
const VIEW_REST_MS = 20;

/**
 * Moves records together, a slice at a time, then gives back every chunk without a page in use. While a view is open nothing
 * may move: the command rests until it is closed.
 */
class PurgeTask implements SlicedTask {
  resting = false;
  private readonly server: ServerContext;
  private readonly session: Session;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(server: ServerContext, session: Session) {
    this.server = server;
    this.session = session;
    server.engine.defragmenter.requestPurge();
  }

  step(x: Execution): boolean {
    if (this.resting) return false;
    const { arena, clock, defragmenter } = x.engine;
    while (defragmenter.purgeUnderWay) {
      if (arena.view !== null) {
        this.rest();
        return false;
      }
      if (x.sliceOver()) return false;
      defragmenter.step(clock.monotonicMicros());
    }
    arena.purge();
    this.server.memoryReturn.now();
    x.reply.ok();
    return true;
  }

  private rest(): void {
    this.resting = true;
    this.timer = setTimeout(() => {
      this.resting = false;
      this.server.connections.wake(this.session);
    }, VIEW_REST_MS);
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.server.engine.defragmenter.cancelPurge();
  }
}

const REPORT_TIPS = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'] as const;

function subcommand(
  spec: Pick<CommandSpec, 'name' | 'arity' | 'complexity' | 'summary'> & Partial<CommandSpec>,
): CommandSpec {
  return { flags: [], categories: [], group: 'server', since: '4.0.0', pages: 0, ...spec };
}

export function memoryCommands(server: ServerContext): readonly CommandSpec[] {
  const slow = 'Depends on how much memory is allocated, could be slow';
  return [
    subcommand({
      name: 'memory',
      arity: -2,
      complexity: 'Depends on subcommand.',
      summary: 'A container for memory diagnostics commands',
      subcommands: [
        subcommand({
          name: 'doctor',
          arity: 2,
          complexity: 'O(1)',
          summary: 'Outputs memory problems report',
          tips: REPORT_TIPS,
          run: (x) => x.reply.verbatim('txt', doctorReport(server)),
        }),
        subcommand({
          name: 'help',
          arity: 2,
          flags: ['loading', 'stale'],
          complexity: 'O(1)',
          summary: 'Show helpful text about the different subcommands',
          run: (x) => replyHelp(x, 'MEMORY', HELP),
        }),
        subcommand({
          name: 'malloc-stats',
          arity: 2,
          complexity: slow,
          summary: 'Show allocator internal stats',
          tips: REPORT_TIPS,
          run: (x) => x.reply.verbatim('txt', mallocReport(server)),
        }),
        subcommand({
          name: 'purge',
          arity: 2,
          complexity: slow,
          summary: 'Ask the allocator to release memory',
          tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
          pages: 'sliced',
          run: (x) => x.runInSlices(new PurgeTask(server, x.session)),
        }),
        subcommand({
          name: 'stats',
          arity: 2,
          complexity: 'O(1)',
          summary: 'Show memory usage details',
          tips: REPORT_TIPS,
          run: (x) => statsCommand(server, x),
        }),
        subcommand({
          name: 'usage',
          arity: -3,
          flags: ['readonly'],
          complexity: 'O(N) where N is the number of samples.',
          summary: 'Estimate the memory usage of a key',
          keys: [{ flags: ['RO'], index: 2, lastKey: 0, step: 1, limit: 0 }],
          arguments: [
            { name: 'key', type: 'key', keySpecIndex: 0 },
            { name: 'count', type: 'integer', token: 'SAMPLES', flags: ['optional'] },
          ],
          pages: PAGES_TO_LOOK_ONCE,
          run: usageCommand,
        }),
      ],
    }),
  ];
}
