/** CLIENT and its subcommands: who is connected, under which name, and closing connections. */
import type { Arguments } from '../../core/arguments.js';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { Connection } from '../connections/connection-registry.js';
import type { ServerContext } from '../server-context.js';
import { describeClient } from './client-line.js';
import { isClientName, setClientName } from './client-name.js';
import { trackingSubcommands } from './client-tracking.js';
import { trafficSubcommands } from './client-traffic.js';
import { integerArgument } from './integer-text.js';

const HELP: readonly string[] = [
  'CACHING (YES|NO)',
  '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
  'GETREDIR',
  '    Return the client ID we are redirecting to when tracking is enabled.',
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'KILL <ip:port>',
  '    Kill connection made from <ip:port>.',
  'KILL <option> <value> [<option> <value> [...]]',
  '    Kill connections. Options are:',
  '    * ADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made from the specified address',
  '    * LADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made to specified local address',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Kill connections by type.',
  '    * USER <username>',
  '      Kill connections authenticated by <username>.',
  '    * SKIPME (YES|NO)',
  '      Skip killing current connection (default: yes).',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'UNPAUSE',
  '    Stop the current client pause, resuming traffic.',
  'PAUSE <timeout> [WRITE|ALL]',
  '    Suspend all, or just write, clients for <timeout> milliseconds.',
  'REPLY (ON|OFF|SKIP)',
  '    Control the replies sent to the current connection.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  '    Unblock the specified blocked client.',
  'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
  '         [OPTIN] [OPTOUT] [NOLOOP]',
  '    Control server assisted client side caching.',
  'TRACKINGINFO',
  '    Report tracking status for the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
];

/** Kinds of clients. All of ours are normal ones until there are replicas and subscribers. */
const CLIENT_TYPES = ['NORMAL', 'SLAVE', 'REPLICA', 'PUBSUB', 'MASTER'] as const;
type ClientType = (typeof CLIENT_TYPES)[number];

/** The type that argument i names; undefined after an error reply. */
function readClientType(x: Execution, i: number): ClientType | undefined {
  const type = CLIENT_TYPES.find((word) => x.args.is(i, word));
  if (type === undefined) x.reply.error(`ERR Unknown client type '${x.args.latin1(i, 128)}'`);
  return type;
}

function listCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count === 2) {
    replyClients(server, x, () => true);
  } else if (args.count === 4 && args.is(2, 'TYPE')) {
    const type = readClientType(x, 3);
    if (type !== undefined) replyClients(server, x, () => type === 'NORMAL');
  } else if (args.count > 3 && args.is(2, 'ID')) {
    const ids: number[] = [];
    for (let i = 3; i < args.count; i++) {
      const id = integerArgument(args, i);
      if (id === undefined) {
        reply.error('ERR Invalid client ID');
        return;
      }
      ids.push(id);
    }
    let lines = '';
    for (const id of ids) lines += clientLine(server, x, server.connections.byId(id));
    reply.verbatim('txt', lines);
  } else {
    x.syntaxError();
  }
}

function replyClients(server: ServerContext, x: Execution, shown: (connection: Connection) => boolean): void {
  let lines = '';
  for (const connection of server.connections.all.values()) {
    if (shown(connection)) lines += clientLine(server, x, connection);
  }
  x.reply.verbatim('txt', lines);
}

function clientLine(server: ServerContext, x: Execution, connection: Connection | undefined): string {
  if (connection === undefined) return '';
  const argumentBytes = connection.session === x.session ? argumentBytesOf(x.args) : 0;
  return `${describeClient(connection, server.engine.clock.nowMs(), argumentBytes)}\n`;
}

function argumentBytesOf(args: Arguments): number {
  let sum = 0;
  for (let i = 0; i < args.count; i++) sum += args.length(i);
  return sum;
}

function infoCommand(server: ServerContext, x: Execution): void {
  x.reply.verbatim('txt', clientLine(server, x, server.connections.byId(x.session.id)));
}

/** What CLIENT KILL asks for; every filter that is set must match. */
interface KillFilter {
  id: number;
  address: string;
  localAddress: string;
  user: string;
  type: ClientType | '';
  skipSelf: boolean;
}

/** The filters of the new form; undefined after an error reply. */
function readKillFilter(x: Execution): KillFilter | undefined {
  const { args } = x;
  const filter: KillFilter = { id: 0, address: '', localAddress: '', user: '', type: '', skipSelf: true };
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 >= args.count || !readKillOption(x, filter, i)) {
      if (i + 1 >= args.count) x.syntaxError();
      return undefined;
    }
  }
  return filter;
}

/** Reads the option at argument i and its value; on false the error was replied. */
function readKillOption(x: Execution, filter: KillFilter, i: number): boolean {
  const { args } = x;
  if (args.is(i, 'ID')) return readKillId(x, filter, i + 1);
  if (args.is(i, 'TYPE')) {
    const type = readClientType(x, i + 1);
    if (type === undefined) return false;
    filter.type = type;
  } else if (args.is(i, 'ADDR')) {
    filter.address = utf8(args, i + 1);
  } else if (args.is(i, 'LADDR')) {
    filter.localAddress = utf8(args, i + 1);
  } else if (args.is(i, 'USER')) {
    filter.user = args.latin1(i + 1);
    if (filter.user !== 'default') {
      x.reply.error(`ERR No such user '${args.latin1(i + 1, 128)}'`);
      return false;
    }
  } else if (args.is(i, 'SKIPME') && (args.is(i + 1, 'YES') || args.is(i + 1, 'NO'))) {
    filter.skipSelf = args.is(i + 1, 'YES');
  } else {
    x.syntaxError();
    return false;
  }
  return true;
}

function readKillId(x: Execution, filter: KillFilter, i: number): boolean {
  const id = integerArgument(x.args, i);
  if (id === undefined || id < 1) {
    x.reply.error('ERR client-id should be greater than 0');
    return false;
  }
  filter.id = id;
  return true;
}

function utf8(args: Arguments, i: number): string {
  return Buffer.from(args.latin1(i), 'latin1').toString('utf8');
}

function killCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  const oldForm = args.count === 3;
  const filter = oldForm
    ? { id: 0, address: utf8(args, 2), localAddress: '', user: '', type: '' as const, skipSelf: false }
    : readKillFilter(x);
  if (filter === undefined) return;
  const victims = [...server.connections.all.values()].filter((connection) => matches(filter, connection, x));
  if (!oldForm) reply.integer(victims.length);
  else if (victims.length > 0) reply.ok();
  else reply.error('ERR No such client');
  for (const victim of victims) server.connections.kill(victim);
}

function matches(filter: KillFilter, connection: Connection, x: Execution): boolean {
  const { session } = connection;
  if (connection.closing) return false;
  if (filter.id !== 0 && session.id !== filter.id) return false;
  if (filter.address !== '' && connection.address !== filter.address) return false;
  if (filter.localAddress !== '' && connection.localAddress !== filter.localAddress) return false;
  if (filter.user !== '' && session.user !== filter.user) return false;
  if (filter.type !== '' && filter.type !== 'NORMAL') return false;
  return !(filter.skipSelf && session === x.session);
}

function setnameCommand(x: Execution): void {
  if (setClientName(x, x.args.latin1(2))) x.reply.ok();
}

function getnameCommand({ reply, session }: Execution): void {
  if (session.name === '') reply.nil();
  else reply.bulkLatin1(session.name);
}

function setinfoCommand(x: Execution): void {
  const { args, reply, session } = x;
  const name = args.latin1(2, 128);
  const value = args.latin1(3);
  if (!args.is(2, 'LIB-NAME') && !args.is(2, 'LIB-VER')) {
    reply.error(`ERR Unrecognized option '${name}'`);
  } else if (!isClientName(value)) {
    reply.error(`ERR ${name} cannot contain spaces, newlines or special characters.`);
  } else {
    if (args.is(2, 'LIB-NAME')) session.libraryName = value;
    else session.libraryVersion = value;
    reply.ok();
  }
}

/** ON or OFF in argument 2; undefined after an error reply. */
function readSwitch(x: Execution): boolean | undefined {
  if (x.args.is(2, 'ON')) return true;
  if (x.args.is(2, 'OFF')) return false;
  x.syntaxError();
  return undefined;
}

function noEvictCommand(server: ServerContext, x: Execution): void {
  const on = readSwitch(x);
  if (on === undefined) return;
  const connection = server.connections.byId(x.session.id);
  if (connection !== undefined) connection.noEvict = on;
  x.reply.ok();
}

function noTouchCommand(x: Execution): void {
  const on = readSwitch(x);
  if (on === undefined) return;
  x.session.noTouch = on;
  x.reply.ok();
}

const FLAGS = ['noscript', 'loading', 'stale'] as const;
const ON_OR_OFF = [
  {
    name: 'enabled',
    type: 'oneof',
    arguments: [
      { name: 'on', type: 'pure-token', token: 'ON' },
      { name: 'off', type: 'pure-token', token: 'OFF' },
    ],
  },
] as const;
const ADMIN_FLAGS = ['admin', 'noscript', 'loading', 'stale'] as const;

export function clientCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'client',
      arity: -2,
      flags: [],
      categories: [],
      group: 'connection',
      since: '2.4.0',
      complexity: 'Depends on subcommand.',
      summary: 'A container for client connection commands',
      pages: 0,
      subcommands: [
        ...askingSubcommands(server),
        killSubcommand(server),
        ...changingSubcommands(server),
        ...trafficSubcommands(server),
        ...trackingSubcommands(server),
      ],
    },
  ];
}

function askingSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      name: 'id',
      arity: 2,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '5.0.0',
      complexity: 'O(1)',
      summary: 'Returns the client ID for the current connection',
      pages: 0,
      run: (x) => x.reply.integer(x.session.id),
    },
    {
      name: 'info',
      arity: 2,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '6.2.0',
      complexity: 'O(1)',
      summary: 'Returns information about the current client connection.',
      tips: ['nondeterministic_output'],
      pages: 0,
      run: (x) => infoCommand(server, x),
    },
    {
      name: 'getname',
      arity: 2,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '2.6.9',
      complexity: 'O(1)',
      summary: 'Get the current connection name',
      pages: 0,
      run: getnameCommand,
    },
    listSubcommand(server),
    {
      name: 'help',
      arity: 2,
      flags: ['loading', 'stale'],
      categories: ['connection'],
      group: 'connection',
      since: '5.0.0',
      complexity: 'O(1)',
      summary: 'Show helpful text about the different subcommands',
      pages: 0,
      run: (x) => replyHelp(x, 'CLIENT', HELP),
    },
  ];
}

function listSubcommand(server: ServerContext): CommandSpec {
  return {
    name: 'list',
    arity: -2,
    flags: ADMIN_FLAGS,
    categories: ['connection'],
    group: 'connection',
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Get the list of client connections',
    history: [
      ['2.8.12', 'Added unique client `id` field.'],
      ['5.0.0', 'Added optional `TYPE` filter.'],
      ['6.0.0', 'Added `user` field.'],
      ['6.2.0', 'Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.'],
      ['7.0.0', 'Added `resp`, `multi-mem`, `rbs` and `rbp` fields.'],
      ['7.0.3', 'Added `ssub` field.'],
    ],
    tips: ['nondeterministic_output'],
    arguments: [
      {
        name: 'normal_master_replica_pubsub',
        type: 'oneof',
        token: 'TYPE',
        since: '5.0.0',
        flags: ['optional'],
        arguments: [
          { name: 'normal', type: 'pure-token', token: 'NORMAL' },
          { name: 'master', type: 'pure-token', token: 'MASTER' },
          { name: 'replica', type: 'pure-token', token: 'REPLICA' },
          { name: 'pubsub', type: 'pure-token', token: 'PUBSUB' },
        ],
      },
      {
        name: 'id',
        type: 'block',
        token: 'ID',
        since: '6.2.0',
        flags: ['optional'],
        arguments: [{ name: 'client-id', type: 'integer', flags: ['multiple'] }],
      },
    ],
    pages: 0,
    run: (x) => listCommand(server, x),
  };
}

function killSubcommand(server: ServerContext): CommandSpec {
  const types = [
    { name: 'normal', type: 'pure-token', token: 'NORMAL' },
    { name: 'master', type: 'pure-token', token: 'MASTER', since: '3.2.0' },
    { name: 'slave', type: 'pure-token', token: 'SLAVE' },
    { name: 'replica', type: 'pure-token', token: 'REPLICA', since: '5.0.0' },
    { name: 'pubsub', type: 'pure-token', token: 'PUBSUB' },
  ] as const;
  const filters = [
    { name: 'client-id', type: 'integer', token: 'ID', since: '2.8.12', flags: ['optional'] },
    {
      name: 'normal_master_slave_pubsub',
      type: 'oneof',
      token: 'TYPE',
      since: '2.8.12',
      flags: ['optional'],
      arguments: types,
    },
    { name: 'username', type: 'string', token: 'USER', flags: ['optional'] },
    { name: 'ip:port', type: 'string', token: 'ADDR', flags: ['optional'] },
    { name: 'ip:port', type: 'string', token: 'LADDR', since: '6.2.0', flags: ['optional'] },
    { name: 'yes/no', type: 'string', token: 'SKIPME', flags: ['optional'] },
  ] as const;
  return {
    name: 'kill',
    arity: -3,
    flags: ADMIN_FLAGS,
    categories: ['connection'],
    group: 'connection',
    since: '2.4.0',
    complexity: 'O(N) where N is the number of client connections',
    summary: 'Kill the connection of a client',
    history: [
      ['2.8.12', 'Added new filter format.'],
      ['2.8.12', '`ID` option.'],
      ['3.2.0', 'Added `master` type in for `TYPE` option.'],
      ['5.0.0', 'Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.'],
      ['6.2.0', '`LADDR` option.'],
    ],
    arguments: [
      {
        name: 'filter',
        type: 'oneof',
        arguments: [
          { name: 'ip:port', type: 'string', deprecatedSince: '2.8.12' },
          { name: 'new-format', type: 'oneof', flags: ['multiple'], arguments: filters },
        ],
      },
    ],
    pages: 0,
    run: (x) => killCommand(server, x),
  };
}

function changingSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      name: 'setname',
      arity: 3,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '2.6.9',
      complexity: 'O(1)',
      summary: 'Set the current connection name',
      arguments: [{ name: 'connection-name', type: 'string' }],
      pages: 0,
      run: setnameCommand,
    },
    {
      name: 'setinfo',
      arity: 4,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '7.2.0',
      complexity: 'O(1)',
      summary: 'Sets information specific to the client or connection.',
      tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
      arguments: [
        {
          name: 'attr',
          type: 'oneof',
          arguments: [
            { name: 'libname', type: 'string', token: 'LIB-NAME' },
            { name: 'libver', type: 'string', token: 'LIB-VER' },
          ],
        },
      ],
      pages: 0,
      run: setinfoCommand,
    },
    {
      name: 'no-evict',
      arity: 3,
      flags: ADMIN_FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '7.0.0',
      complexity: 'O(1)',
      summary: 'Set client eviction mode for the current connection',
      arguments: ON_OR_OFF,
      pages: 0,
      run: (x) => noEvictCommand(server, x),
    },
    {
      name: 'no-touch',
      arity: 3,
      flags: FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '7.2.0',
      complexity: 'O(1)',
      summary: 'Controls whether commands sent by the client will alter the LRU/LFU of the keys they access.',
      arguments: ON_OR_OFF,
      pages: 0,
      run: noTouchCommand,
    },
  ];
}
