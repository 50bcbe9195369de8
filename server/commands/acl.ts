/** ACL: what can be said of it with one user, `default`, who may do everything and has at most one password. */
import { createHash, randomBytes } from 'node:crypto';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { ACL_CATEGORIES, aclCategoriesOf } from './acl-categories.js';
import { integerArgument } from './integer-text.js';

const GENPASS_BITS = 256;
const GENPASS_BITS_MAX = 4096;

const HELP: readonly string[] = [
  'CAT [<category>]',
  '    List all commands that belong to <category>, or all command categories',
  '    when no category is specified.',
  'GETUSER <username>',
  "    Get the user's details.",
  'GENPASS [<bits>]',
  '    Generate a secure 256-bit user password. The optional `bits` argument can',
  '    be used to specify a different size.',
  'LIST',
  '    Show users details in config file format.',
  'USERS',
  '    List all the registered usernames.',
  'WHOAMI',
  '    Return the current connection username.',
];

/** SHA-256 of the password in hexadecimal, as Redis keeps passwords; '' when there is none. */
function passwordHash(server: ServerContext): string {
  const { requirepass } = server.config.values;
  return requirepass === '' ? '' : createHash('sha256').update(Buffer.from(requirepass, 'latin1')).digest('hex');
}

function refuseCount({ args, reply }: Execution): void {
  const asked = args.latin1(1, 128);
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${asked}'. Try ACL HELP.`);
}

function catCommand(x: Execution): void {
  const { args, engine, reply } = x;
  if (args.count > 3) {
    refuseCount(x);
    return;
  }
  if (args.count === 2) {
    reply.array(ACL_CATEGORIES.length);
    for (const category of ACL_CATEGORIES) reply.bulkLatin1(category);
    return;
  }
  const category = args.latin1(2, 128).toLowerCase();
  if (!ACL_CATEGORIES.includes(category)) {
    reply.error(`ERR Unknown category '${args.latin1(2, 128)}'`);
    return;
  }
  const names: string[] = [];
  for (const command of engine.table.commands.values()) {
    // A container that only contains is in no category.
    const each = command.run === undefined ? [] : [command];
    for (const { fullName, spec } of [...each, ...(command.subcommands?.values() ?? [])]) {
      if (aclCategoriesOf(spec).includes(category)) names.push(fullName);
    }
  }
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

function listCommand(server: ServerContext, { reply }: Execution): void {
  const hash = passwordHash(server);
  reply.array(1);
  reply.bulkLatin1(`user default on ${hash === '' ? 'nopass' : `#${hash}`} ~* &* +@all`);
}

function usersCommand({ reply }: Execution): void {
  reply.array(1);
  reply.bulkLatin1('default');
}

function getuserCommand(server: ServerContext, { args, reply }: Execution): void {
  if (args.latin1(2, 16) !== 'default') {
    reply.nil();
    return;
  }
  const hash = passwordHash(server);
  const flags = hash === '' ? ['on', 'nopass'] : ['on'];
  reply.map(6);
  reply.bulkLatin1('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.bulkLatin1(flag);
  reply.bulkLatin1('passwords');
  reply.array(hash === '' ? 0 : 1);
  if (hash !== '') reply.bulkLatin1(hash);
  for (const [field, rules] of [
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
  ] as const) {
    reply.bulkLatin1(field);
    reply.bulkLatin1(rules);
  }
  reply.bulkLatin1('selectors');
  reply.array(0);
}

function genpassCommand(x: Execution): void {
  const { args, reply } = x;
  if (args.count > 3) {
    refuseCount(x);
    return;
  }
  const bits = args.count === 2 ? GENPASS_BITS : integerArgument(args, 2);
  if (bits === undefined) {
    reply.error('ERR value is not an integer or out of range');
  } else if (bits <= 0 || bits > GENPASS_BITS_MAX) {
    reply.error(
      'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to ' +
        `${GENPASS_BITS_MAX}`,
    );
  } else {
    const digits = Math.ceil(bits / 4);
    reply.bulkLatin1(
      randomBytes(Math.ceil(digits / 2))
        .toString('hex')
        .slice(0, digits),
    );
  }
}

const ASKING = {
  arity: 2,
  flags: ['noscript', 'loading', 'stale'],
  categories: [],
  group: 'server',
  since: '6.0.0',
  complexity: 'O(1)',
  pages: 0,
} as const;
const ADMIN = {
  ...ASKING,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  complexity: 'O(N). Where N is the number of configured users.',
} as const;

export function aclCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      ...ASKING,
      name: 'acl',
      arity: -2,
      flags: [],
      complexity: 'Depends on subcommand.',
      summary: 'A container for Access List Control commands ',
      subcommands: [...askingSubcommands(), ...userSubcommands(server)],
    },
  ];
}

function askingSubcommands(): CommandSpec[] {
  return [
    {
      ...ASKING,
      name: 'cat',
      arity: -2,
      complexity: 'O(1) since the categories and commands are a fixed set.',
      summary: 'List the ACL categories or the commands inside a category',
      arguments: [{ name: 'categoryname', type: 'string', flags: ['optional'] }],
      run: catCommand,
    },
    {
      ...ASKING,
      name: 'genpass',
      arity: -2,
      summary: 'Generate a pseudorandom secure password to use for ACL users',
      arguments: [{ name: 'bits', type: 'integer', flags: ['optional'] }],
      run: genpassCommand,
    },
    {
      ...ASKING,
      name: 'whoami',
      summary: 'Return the name of the user associated to the current connection',
      run: (x) => x.reply.bulkLatin1(x.session.user),
    },
    {
      ...ASKING,
      name: 'help',
      flags: ['loading', 'stale'],
      summary: 'Show helpful text about the different subcommands',
      run: (x) => replyHelp(x, 'ACL', HELP),
    },
  ];
}

function userSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...ADMIN,
      name: 'list',
      summary: 'List the current ACL rules in ACL config file format',
      run: (x) => listCommand(server, x),
    },
    { ...ADMIN, name: 'users', summary: 'List the username of all the configured ACL rules', run: usersCommand },
    {
      ...ADMIN,
      name: 'getuser',
      arity: 3,
      complexity: 'O(N). Where N is the number of password, command and pattern rules that the user has.',
      summary: 'Get the rules for a specific ACL user',
      history: [
        ['6.2.0', 'Added Pub/Sub channel patterns.'],
        [
          '7.0.0',
          'Added selectors and changed the format of key and channel patterns from a list to their rule representation.',
        ],
      ],
      arguments: [{ name: 'username', type: 'string' }],
      run: (x) => getuserCommand(server, x),
    },
  ];
}
