/**
 * CLIENT TRACKING, TRACKINGINFO, GETREDIR and CACHING of a server that does not track what clients cache: OFF is granted,
 * ON is refused, and what is asked is answered as Redis answers while tracking is off.
 */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { integerArgument } from './integer-text.js';

const ERROR_NO_TRACKING = 'ERR this version does not support client tracking: only CLIENT TRACKING OFF is granted';
const ERROR_CACHING =
  'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled';

/** Reads the options behind ON or OFF; '' or the error. */
function readTracking(server: ServerContext, x: Execution): string {
  const { args } = x;
  const seen = new Set<string>();
  for (let i = 3; i < args.count; i++) {
    const more = i + 1 < args.count;
    if (args.is(i, 'REDIRECT') && more) {
      if (seen.has('REDIRECT')) return 'ERR A client can only redirect to a single other client';
      const id = integerArgument(args, ++i);
      if (id === undefined) return 'ERR value is not an integer or out of range';
      if (server.connections.byId(id) === undefined) return 'ERR The client ID you want redirect to does not exist';
      seen.add('REDIRECT');
    } else if (args.is(i, 'PREFIX') && more) {
      seen.add('PREFIX');
      i++;
    } else {
      const word = ['BCAST', 'OPTIN', 'OPTOUT', 'NOLOOP'].find((option) => args.is(i, option));
      if (word === undefined) return 'ERR syntax error';
      seen.add(word);
    }
  }
  if (args.is(2, 'OFF')) return '';
  if (!args.is(2, 'ON')) return 'ERR syntax error';
  if (!seen.has('BCAST') && seen.has('PREFIX')) return 'ERR PREFIX option requires BCAST mode to be enabled';
  if (seen.has('OPTIN') && seen.has('OPTOUT')) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (seen.has('BCAST') && (seen.has('OPTIN') || seen.has('OPTOUT'))) {
    return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  }
  return ERROR_NO_TRACKING;
}

function trackingCommand(server: ServerContext, x: Execution): void {
  const error = readTracking(server, x);
  if (error === '') x.reply.ok();
  else x.reply.error(error);
}

function trackinginfoCommand({ reply }: Execution): void {
  reply.map(3);
  reply.bulkLatin1('flags');
  reply.set(1);
  reply.bulkLatin1('off');
  reply.bulkLatin1('redirect');
  reply.integer(-1);
  reply.bulkLatin1('prefixes');
  reply.array(0);
}

const COMMON = {
  arity: 2,
  flags: ['noscript', 'loading', 'stale'],
  categories: ['connection'],
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  pages: 0,
} as const;

export function trackingSubcommands(server: ServerContext): CommandSpec[] {
  return [
    trackingSubcommand(server),
    {
      ...COMMON,
      name: 'trackinginfo',
      since: '6.2.0',
      summary: 'Return information about server assisted client side caching for the current connection',
      run: trackinginfoCommand,
    },
    {
      ...COMMON,
      name: 'getredir',
      summary: 'Get tracking notifications redirection client ID if any',
      run: (x) => x.reply.integer(-1),
    },
    {
      ...COMMON,
      name: 'caching',
      arity: 3,
      summary: 'Instruct the server about tracking or not keys in the next request',
      arguments: [
        {
          name: 'mode',
          type: 'oneof',
          arguments: [
            { name: 'yes', type: 'pure-token', token: 'YES' },
            { name: 'no', type: 'pure-token', token: 'NO' },
          ],
        },
      ],
      run: (x) => x.reply.error(ERROR_CACHING),
    },
  ];
}

function trackingSubcommand(server: ServerContext): CommandSpec {
  return {
    ...COMMON,
    name: 'tracking',
    arity: -3,
    complexity: 'O(1). Some options may introduce additional complexity.',
    summary: 'Enable or disable server assisted client side caching support',
    arguments: [
      {
        name: 'status',
        type: 'oneof',
        arguments: [
          { name: 'on', type: 'pure-token', token: 'ON' },
          { name: 'off', type: 'pure-token', token: 'OFF' },
        ],
      },
      { name: 'client-id', type: 'integer', token: 'REDIRECT', flags: ['optional'] },
      { name: 'prefix', type: 'string', token: 'PREFIX', flags: ['optional', 'multiple', 'multiple_token'] },
      { name: 'bcast', type: 'pure-token', token: 'BCAST', flags: ['optional'] },
      { name: 'optin', type: 'pure-token', token: 'OPTIN', flags: ['optional'] },
      { name: 'optout', type: 'pure-token', token: 'OPTOUT', flags: ['optional'] },
      { name: 'noloop', type: 'pure-token', token: 'NOLOOP', flags: ['optional'] },
    ],
    run: (x) => trackingCommand(server, x),
  };
}
