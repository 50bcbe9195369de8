/** MIGRATE: moves keys to another server. What it does while it runs is in server/migrate. */
import type { CommandSpec } from '../../core/commands/command.js';
import { ABSENT } from '../../core/database.js';
import type { Execution } from '../../core/execution.js';
import { MigrateConnections } from '../migrate/migrate-connections.js';
import { copyKey, type MigratedKey, type MigrateRequest, MigrateTask } from '../migrate/migrate-task.js';
import type { ServerContext } from '../server-context.js';
import { integerArgument } from './integer-text.js';

const ERROR_INTEGER = 'ERR value is not an integer or out of range';
const ERROR_KEYS = 'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string';
const TIMEOUT_MS_DEFAULT = 1000;
/** Timers of Node take at most this. */
const TIMEOUT_MS_MAX = 0x7fffffff;

const connectionsOf = new WeakMap<ServerContext, MigrateConnections>();

/** The connections that this server keeps; made when they are first asked for. */
export function migrateConnections(server: ServerContext): MigrateConnections {
  let connections = connectionsOf.get(server);
  if (connections === undefined) {
    connections = new MigrateConnections();
    connectionsOf.set(server, connections);
  }
  return connections;
}

/** Options of the command that is being read. */
interface Options {
  copy: boolean;
  replace: boolean;
  credentials: string[];
  /** The arguments that name keys: from this one on, so many. */
  firstKey: number;
  keyCount: number;
}

/** Undefined after an error reply. */
function readOptions(x: Execution): Options | undefined {
  const { args, reply } = x;
  const options: Options = { copy: false, replace: false, credentials: [], firstKey: 3, keyCount: 1 };
  for (let i = 6; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (args.is(i, 'COPY')) {
      options.copy = true;
    } else if (args.is(i, 'REPLACE')) {
      options.replace = true;
    } else if (args.is(i, 'AUTH') && more >= 1) {
      // Of AUTH and AUTH2 both, the name stays and the last password counts, as in Redis.
      const [name] = options.credentials.length === 2 ? options.credentials : [];
      options.credentials = [...(name === undefined ? [] : [name]), args.latin1(++i)];
    } else if (args.is(i, 'AUTH2') && more >= 2) {
      options.credentials = [args.latin1(i + 1), args.latin1(i + 2)];
      i += 2;
    } else if (args.is(i, 'KEYS')) {
      if (args.length(3) !== 0) {
        reply.error(ERROR_KEYS);
        return undefined;
      }
      options.firstKey = i + 1;
      options.keyCount = args.count - i - 1;
      break;
    } else {
      x.syntaxError();
      return undefined;
    }
  }
  return options;
}

function migrateCommand(server: ServerContext, x: Execution): void {
  const { args, database, reply } = x;
  const options = readOptions(x);
  if (options === undefined) return;
  const timeout = integerArgument(args, 5);
  const target = timeout === undefined ? undefined : integerArgument(args, 4);
  if (timeout === undefined || target === undefined) {
    reply.error(ERROR_INTEGER);
    return;
  }
  const keys: MigratedKey[] = [];
  for (let i = options.firstKey; i < options.firstKey + options.keyCount; i++) {
    if (database.lookupRead(i) !== ABSENT) keys.push(copyKey(x, i));
  }
  if (keys.length === 0) {
    reply.simple('NOKEY');
    return;
  }
  const request: MigrateRequest = {
    host: args.latin1(1),
    // As C's atoi reads it.
    port: Number.parseInt(args.latin1(2, 32), 10),
    database: target,
    timeoutMs: timeout <= 0 ? TIMEOUT_MS_DEFAULT : Math.min(timeout, TIMEOUT_MS_MAX),
    copy: options.copy,
    replace: options.replace,
    credentials: options.credentials,
  };
  const task = new MigrateTask(server, x.session, migrateConnections(server), request, keys);
  x.runInSlices(task.start(database.dependency));
}

export function migrateCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'migrate',
      arity: -6,
      flags: ['write', 'movablekeys'],
      categories: ['keyspace', 'dangerous'],
      group: 'generic',
      since: '2.6.0',
      complexity:
        'This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the ' +
        'pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.',
      summary: 'Atomically transfer a key from a Redis instance to another one.',
      history: [
        ['3.0.0', 'Added the `COPY` and `REPLACE` options.'],
        ['3.0.6', 'Added the `KEYS` option.'],
        ['4.0.7', 'Added the `AUTH` option.'],
        ['6.0.0', 'Added the `AUTH2` option.'],
      ],
      tips: ['nondeterministic_output'],
      keys: [
        { flags: ['RW', 'access', 'delete'], index: 3, lastKey: 0, step: 1, limit: 0 },
        {
          flags: ['RW', 'access', 'delete', 'incomplete'],
          keyword: 'KEYS',
          startFrom: -2,
          index: 0,
          lastKey: -1,
          step: 1,
          limit: 0,
        },
      ],
      arguments: [
        { name: 'host', type: 'string' },
        { name: 'port', type: 'integer' },
        {
          name: 'key_or_empty_string',
          type: 'oneof',
          arguments: [
            { name: 'key', type: 'key', keySpecIndex: 0 },
            { name: 'empty_string', type: 'pure-token', token: '' },
          ],
        },
        { name: 'destination-db', type: 'integer' },
        { name: 'timeout', type: 'integer' },
        { name: 'copy', type: 'pure-token', token: 'COPY', since: '3.0.0', flags: ['optional'] },
        { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', flags: ['optional'] },
        {
          name: 'authentication',
          type: 'oneof',
          flags: ['optional'],
          arguments: [
            { name: 'password', type: 'string', token: 'AUTH', since: '4.0.7', flags: ['optional'] },
            {
              name: 'username_password',
              type: 'block',
              token: 'AUTH2',
              since: '6.0.0',
              flags: ['optional'],
              arguments: [
                { name: 'username', type: 'string' },
                { name: 'password', type: 'string' },
              ],
            },
          ],
        },
        { name: 'key', type: 'key', keySpecIndex: 1, token: 'KEYS', since: '3.0.6', flags: ['optional', 'multiple'] },
      ],
      pages: 'sliced',
      run: (x) => migrateCommand(server, x),
    },
  ];
}
