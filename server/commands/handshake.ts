/**
 * Commands that begin, change and end a connection: HELLO, AUTH, RESET, QUIT. There is one user, `default`, whose
 * password is the option `requirepass`.
 */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import { REPLIES_ON, REPLIES_SKIPPED } from '../../core/session.js';
import type { Connection } from '../connections/connection-registry.js';
import type { ServerContext } from '../server-context.js';
import { REDIS_VERSION } from '../version.js';
import { setClientName } from './client-name.js';
import { integerArgument } from './integer-text.js';
import { samePassword } from './password.js';

const ERROR_WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
const ERROR_NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';
const ERROR_HELLO_NO_AUTH =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option ' +
  'can be used to authenticate the client and select the RESP protocol version at the same time';

/** Makes the session the user's if the password is right; on false the error was replied. */
function authenticate(server: ServerContext, x: Execution, user: string, password: string): boolean {
  const expected = server.config.values.requirepass;
  // Both are looked at in any case, so that the time does not tell which one was wrong.
  const right = samePassword(password, expected);
  if (user !== 'default' || (expected !== '' && !right)) {
    x.reply.error(ERROR_WRONG_PASSWORD);
    return false;
  }
  x.session.authenticated = true;
  x.session.user = user;
  x.session.originGeneration = -1;
  return true;
}

function authCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count > 3) {
    x.syntaxError();
    return;
  }
  if (args.count === 2 && server.config.values.requirepass === '') {
    reply.error(ERROR_NO_PASSWORD);
    return;
  }
  const user = args.count === 2 ? 'default' : args.latin1(1);
  if (authenticate(server, x, user, args.latin1(args.count - 1))) reply.ok();
}

function helloCommand(server: ServerContext, x: Execution): void {
  const { args, reply, session } = x;
  let protocol = session.protocol;
  let credentials = 0;
  let name = 0;
  if (args.count > 1) {
    const asked = integerArgument(args, 1);
    if (asked === undefined) {
      reply.error('ERR Protocol version is not an integer or out of range');
      return;
    }
    if (asked < 2 || asked > 3) {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
    protocol = asked;
  }
  for (let i = 2; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (args.is(i, 'AUTH') && more >= 2) {
      credentials = i + 1;
      i += 2;
    } else if (args.is(i, 'SETNAME') && more >= 1) {
      name = i + 1;
      if (!setClientName(x, args.latin1(name))) return;
      i++;
    } else {
      reply.error(`ERR Syntax error in HELLO option '${args.latin1(i, 128)}'`);
      return;
    }
  }
  if (credentials > 0 && !authenticate(server, x, args.latin1(credentials), args.latin1(credentials + 1))) return;
  if (!session.authenticated) {
    reply.error(ERROR_HELLO_NO_AUTH);
    return;
  }
  session.protocol = protocol;
  reply.protocol = protocol;
  replyHello(x);
}

function replyHello({ reply, session }: Execution): void {
  reply.map(7);
  reply.bulkLatin1('server');
  reply.bulkLatin1('redis');
  reply.bulkLatin1('version');
  reply.bulkLatin1(REDIS_VERSION);
  reply.bulkLatin1('proto');
  reply.integer(session.protocol);
  reply.bulkLatin1('id');
  reply.integer(session.id);
  reply.bulkLatin1('mode');
  reply.bulkLatin1('standalone');
  reply.bulkLatin1('role');
  reply.bulkLatin1('master');
  reply.bulkLatin1('modules');
  reply.array(0);
}

function resetCommand(server: ServerContext, x: Execution): void {
  const { reply, session } = x;
  session.database = 0;
  session.protocol = 2;
  reply.protocol = 2;
  session.name = '';
  session.user = 'default';
  session.authenticated = !server.limits.hasPassword;
  session.originGeneration = -1;
  const connection: Connection | undefined = server.connections.byId(session.id);
  if (connection !== undefined) {
    connection.noEvict = false;
    server.monitors.remove(connection);
  }
  session.noTouch = false;
  // A skip that was asked for by the command before holds for this one.
  if (session.replies !== REPLIES_SKIPPED) session.replies = REPLIES_ON;
  reply.simple('RESET');
}

function quitCommand(x: Execution): void {
  x.reply.ok();
  x.session.closing = true;
}

const HANDSHAKE_FLAGS = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'] as const;

export function handshakeCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    helloDeclaration(server),

    {
      name: 'auth',
      arity: -2,
      flags: HANDSHAKE_FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '1.0.0',
      complexity: 'O(N) where N is the number of passwords defined for the user',
      summary: 'Authenticate to the server',
      history: [['6.0.0', 'Added ACL style (username and password).']],
      arguments: [
        { name: 'username', type: 'string', since: '6.0.0', flags: ['optional'] },
        { name: 'password', type: 'string' },
      ],
      pages: 0,
      run: (x) => authCommand(server, x),
    },

    {
      name: 'reset',
      arity: 1,
      flags: HANDSHAKE_FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '6.2.0',
      complexity: 'O(1)',
      summary: 'Reset the connection',
      pages: 0,
      run: (x) => resetCommand(server, x),
    },

    {
      name: 'quit',
      arity: -1,
      flags: HANDSHAKE_FLAGS,
      categories: ['connection'],
      group: 'connection',
      since: '1.0.0',
      complexity: 'O(1)',
      summary: 'Close the connection',
      pages: 0,
      run: quitCommand,
    },
  ];
}

function helloDeclaration(server: ServerContext): CommandSpec {
  return {
    name: 'hello',
    arity: -1,
    flags: HANDSHAKE_FLAGS,
    categories: ['connection'],
    group: 'connection',
    since: '6.0.0',
    complexity: 'O(1)',
    summary: 'Handshake with Redis',
    history: [
      [
        '6.2.0',
        "`protover` made optional; when called without arguments the command reports the current connection's context.",
      ],
    ],
    arguments: [
      {
        name: 'arguments',
        type: 'block',
        flags: ['optional'],
        arguments: [
          { name: 'protover', type: 'integer' },
          {
            name: 'username_password',
            type: 'block',
            token: 'AUTH',
            flags: ['optional'],
            arguments: [
              { name: 'username', type: 'string' },
              { name: 'password', type: 'string' },
            ],
          },
          { name: 'clientname', type: 'string', token: 'SETNAME', flags: ['optional'] },
        ],
      },
    ],
    pages: 0,
    run: (x) => helloCommand(server, x),
  };
}
