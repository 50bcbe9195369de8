/** The servers under comparison, each in an empty directory, with every write durable before its reply. */
import { type ServerKind, ServerProcess, type ServerProcessOptions } from '../test/support/server-process.js';
import type { BenchmarkOptions } from './benchmark-options.js';

/** Options that every benchmark with servers has. */
export const serverDefaults = { servers: 'holdfast,redis', holdfast: '', redis: '' };

/** The kinds of server that --servers names. */
export function serverKinds(options: BenchmarkOptions): ServerKind[] {
  return options.list('servers').map((kind) => {
    if (kind !== 'holdfast' && kind !== 'redis') throw new Error(`--servers: '${kind}' is neither holdfast nor redis`);
    return kind;
  });
}

/** The Redis beside it rewrites nothing either: what is compared is the log, not what snapshots cost. */
const WITHOUT_SNAPSHOTS = ['--auto-aof-rewrite-percentage', '0'];

/** Further command line options of a server: --holdfast '...' and --redis '...'. */
function extraArguments(kind: ServerKind, options: BenchmarkOptions): string[] {
  return options
    .text(kind)
    .split(' ')
    .filter((word) => word !== '');
}

/** Starts one server for a benchmark. */
export function startServer(
  kind: ServerKind,
  options: BenchmarkOptions,
  more: Partial<ServerProcessOptions> = {},
): Promise<ServerProcess> {
  return ServerProcess.start({
    kind,
    readyTimeoutMs: 600_000,
    ...more,
    args: [...(kind === 'holdfast' ? WITHOUT_SNAPSHOTS : []), ...(more.args ?? []), ...extraArguments(kind, options)],
  });
}
