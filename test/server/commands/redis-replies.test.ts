/** Replies and error texts of the server's commands, byte by byte those of Redis 7.0. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { type Argument, RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { FakeServer } from '../support/fake-server.js';

/** Each line is one connection's commands, separated by ';'. A word in quotes may hold blanks. */
const SCRIPTS: readonly string[] = [
  // HELLO
  'HELLO x; HELLO 4; HELLO 1; HELLO 2 foo; HELLO 3 AUTH a; HELLO 3 SETNAME; HELLO 2 SETNAME "a b"; HELLO 03; HELLO ""',
  'HELLO 3 AUTH nobody x; HELLO 3 AUTH default x SETNAME me EXTRA; CLIENT GETNAME; PING',
  'HELLO 2 SETNAME foo AUTH a b; CLIENT GETNAME; HELLO 2 AUTH default anything SETNAME bar; CLIENT GETNAME',
  // AUTH without a password
  'AUTH; AUTH a; AUTH default a; AUTH nobody a; AUTH a b c; auth a b c d',
  // AUTH with one
  'CONFIG SET requirepass secret; PING; CONFIG SET requirepass ""; PING',
  'CONFIG SET requirepass secret; AUTH wrong; AUTH secret; AUTH default wrong; AUTH default secret; AUTH x secret; RESET; PING; CLIENT ID; HELLO 3; HELLO 3 SETNAME x; HELLO 7; HELLO 2 x; AUTH default secret; CLIENT GETNAME; CONFIG SET requirepass ""',
  'CONFIG SET requirepass secret; RESET; NOSUCH; CLIENT; GET; GET a; CONFIG SET x; AUTH secret; CONFIG SET requirepass ""',
  // RESET and QUIT
  'QUIT x',
  'SELECT 3; CLIENT SETNAME a; HELLO 3; RESET; CLIENT GETNAME; RESET x; HELLO 2; QUIT',
  // CLIENT
  'CLIENT; CLIENT foo; CLIENT ID x; CLIENT INFO x; CLIENT GETNAME x; CLIENT HELP x; CLIENT SETNAME; CLIENT SETNAME a b',
  'CLIENT SETNAME "a b"; CLIENT SETNAME a\xff; CLIENT SETNAME a; CLIENT GETNAME; CLIENT SETNAME ""; CLIENT GETNAME; HELLO 3 SETNAME x; CLIENT SETNAME ""; CLIENT GETNAME',
  'CLIENT LIST foo; CLIENT LIST TYPE; CLIENT LIST TYPE foo; CLIENT LIST TYPE master; CLIENT LIST TYPE replica; CLIENT LIST TYPE slave; CLIENT LIST TYPE pubsub; CLIENT LIST ID; CLIENT LIST ID x; CLIENT LIST ID 1000000 1000001; CLIENT LIST ID 1 x; CLIENT LIST ID -1; CLIENT LIST TYPE normal x',
  'HELLO 3; CLIENT LIST TYPE master; CLIENT LIST ID 1000000',
  'CLIENT KILL; CLIENT KILL 1.1.1.1:1; CLIENT KILL ID 1000000; CLIENT KILL ID x; CLIENT KILL ID 0; CLIENT KILL ID -5; CLIENT KILL TYPE foo; CLIENT KILL SKIPME maybe; CLIENT KILL SKIPME; CLIENT KILL ADDR; CLIENT KILL ADDR a LADDR b; CLIENT KILL foo bar; CLIENT KILL USER nobody; CLIENT KILL USER default ADDR x; CLIENT KILL MAXAGE 1; CLIENT KILL TYPE master; CLIENT KILL ID 1000000 SKIPME; CLIENT KILL ID 1000000 SKIPME no; CLIENT KILL TYPE pubsub ID; CLIENT KILL LADDR 9.9.9.9:9',
  'CLIENT NO-EVICT; CLIENT NO-EVICT x; CLIENT NO-EVICT on; CLIENT NO-EVICT OFF; CLIENT NO-EVICT on off',
  'CLIENT REPLY; CLIENT REPLY x; CLIENT REPLY ON; CLIENT REPLY on off; CLIENT PAUSE; CLIENT PAUSE x; CLIENT PAUSE -1; CLIENT PAUSE 1 foo; CLIENT PAUSE x foo; CLIENT PAUSE 1 write x; CLIENT PAUSE 99999999999999999999; CLIENT UNPAUSE; CLIENT UNPAUSE x; CLIENT UNBLOCK; CLIENT UNBLOCK x; CLIENT UNBLOCK 1000000; CLIENT UNBLOCK -1; CLIENT UNBLOCK 1 foo; CLIENT UNBLOCK x foo; CLIENT UNBLOCK 1 TIMEOUT x; CLIENT UNBLOCK 1000000 error',
  'CLIENT TRACKING; CLIENT TRACKING x; CLIENT TRACKING off; CLIENT TRACKING OFF BCAST; CLIENT TRACKING off redirect; CLIENT TRACKING off redirect x; CLIENT TRACKING off redirect 1000000; CLIENT TRACKING off prefix; CLIENT TRACKING on foo; CLIENT TRACKING on optin optout; CLIENT TRACKING on prefix a; CLIENT TRACKING on bcast optin; CLIENT TRACKING x optin; CLIENT TRACKINGINFO; CLIENT TRACKINGINFO x; CLIENT GETREDIR; CLIENT GETREDIR x; CLIENT CACHING; CLIENT CACHING yes; CLIENT CACHING foo; HELLO 3; CLIENT TRACKINGINFO',
  // CONFIG
  'CONFIG; CONFIG foo; CONFIG GET; CONFIG SET; CONFIG SET port; CONFIG RESETSTAT x; CONFIG HELP x; CONFIG RESETSTAT',
  'CONFIG SET foo bar; CONFIG SET timeout abc; CONFIG SET timeout -1; CONFIG SET timeout "10 20"; CONFIG SET timeout ""; CONFIG SET timeout +1; CONFIG SET timeout 010; CONFIG SET timeout 99999999999999999999; CONFIG SET timeout 2147483648; CONFIG SET timeout 10 timeout 20; CONFIG SET timeout 10 foo bar; CONFIG SET timeout 10 databases 3; CONFIG SET databases 3 foo 1; CONFIG SET foo 1 databases 3; CONFIG SET timeout x databases 3; CONFIG SET timeout 1 x; CONFIG SET timeout 3 tcp-keepalive; CONFIG SET Timeout x',
  'CONFIG SET maxmemory 1x; CONFIG SET maxmemory -1; CONFIG SET maxmemory 1.5gb; CONFIG SET maxmemory "1 kb"; CONFIG SET maxmemory 3gb; CONFIG GET maxmemory; CONFIG SET MAXMEMORY 5mb; CONFIG GET MAXmemory; CONFIG SET maxmemory ""; CONFIG GET maxmemory',
  'CONFIG SET appendonly maybe; CONFIG SET protected-mode 1; CONFIG SET protected-mode YES; CONFIG GET protected-mode; CONFIG SET maxmemory-policy x; CONFIG SET appendfsync x; CONFIG SET loglevel x; CONFIG SET loglevel VERBOSE; CONFIG GET loglevel; CONFIG SET loglevel notice',
  'CONFIG SET client-output-buffer-limit normal; CONFIG SET client-output-buffer-limit "normal 1 2"; CONFIG SET client-output-buffer-limit "x 1 2 3"; CONFIG SET client-output-buffer-limit "normal 1 2 x"; CONFIG SET client-output-buffer-limit "normal 1.5k 2 3"; CONFIG SET client-output-buffer-limit "normal 1k 2 -3"; CONFIG SET client-output-buffer-limit "master 1 2 3"; CONFIG SET client-output-buffer-limit "replica 5 6 7 pubsub 1mb 2 3"; CONFIG GET client-output-buffer-limit; CONFIG SET client-output-buffer-limit "slave 268435456 67108864 60 pubsub 33554432 8388608 60"; CONFIG GET client-output-buffer-limit',
  'CONFIG SET hz 1000; CONFIG GET hz; CONFIG SET hz 0; CONFIG GET hz; CONFIG SET hz -3; CONFIG GET hz; CONFIG SET hz x; CONFIG SET hz 10',
  'CONFIG SET maxclients 0; CONFIG SET maxclients 10.5; CONFIG SET maxclients 5000000000; CONFIG SET tcp-keepalive -3; CONFIG SET proto-max-bulk-len 1; CONFIG SET client-query-buffer-limit 1; CONFIG GET proto-max-bulk-len; CONFIG GET client-query-buffer-limit',
  'CONFIG SET maxmemory-clients 5%; CONFIG GET maxmemory-clients; CONFIG SET maxmemory-clients 101%; CONFIG SET maxmemory-clients 1x; CONFIG SET maxmemory-clients %; CONFIG SET maxmemory-clients 1.5%; CONFIG SET maxmemory-clients -5; CONFIG SET maxmemory-clients 1gb; CONFIG GET maxmemory-clients; CONFIG SET maxmemory-clients 0',
  'CONFIG SET save a; CONFIG SET save "900 1 300"; CONFIG SET save "-1 1"; CONFIG SET save "1 -1"; CONFIG SET save "900 1 300 10"; CONFIG GET save; CONFIG SET save ""; CONFIG GET save',
  'CONFIG SET dir x; CONFIG SET unixsocket x; CONFIG SET unixsocketperm 700; CONFIG SET tcp-backlog 3; CONFIG SET logfile x; CONFIG SET databases 4',
  'CONFIG GET nosuch; CONFIG GET port*x; CONFIG GET TIMEOUT Tim*; CONFIG GET "[tT]imeout"; CONFIG GET save save; CONFIG GET databases; CONFIG GET "["; CONFIG GET ""',
  'HELLO 3; CONFIG GET timeout; CONFIG GET nosuch; CONFIG GET ti?eout',
  // COMMAND
  'COMMAND foo; COMMAND COUNT x; COMMAND HELP x; COMMAND HELP; COMMAND LIST x; COMMAND LIST FILTERBY; COMMAND LIST FILTERBY MODULE x; COMMAND LIST FILTERBY MODULE; COMMAND LIST FILTERBY foo x; COMMAND LIST FILTERBY ACLCAT nosuch; COMMAND LIST FILTERBY ACLCAT; COMMAND LIST FILTERBY PATTERN nosuch*; COMMAND LIST FILTERBY PATTERN a b',
  'COMMAND INFO nosuch; COMMAND INFO get nosuch SET; COMMAND DOCS nosuch; COMMAND DOCS get nosuch get; COMMAND INFO "client|id" "client|nosuch" "get|x"; HELLO 3; COMMAND INFO nosuch; COMMAND DOCS nosuch; COMMAND INFO "config|set"; COMMAND DOCS "client|kill"',
  'COMMAND GETKEYS; COMMAND GETKEYS get; COMMAND GETKEYS get a; COMMAND GETKEYS get a b; COMMAND GETKEYS ping x; COMMAND GETKEYS ping; COMMAND GETKEYS nosuch a; COMMAND GETKEYS mset a b c d; COMMAND GETKEYS mset a b c; COMMAND GETKEYS client id; COMMAND GETKEYS client nosuch; COMMAND GETKEYS config get a; COMMAND GETKEYS set a b ex; COMMAND GETKEYS RENAME a b; COMMAND GETKEYS del a b c; COMMAND GETKEYS swapdb 1 2',
  'COMMAND GETKEYSANDFLAGS get a; COMMAND GETKEYSANDFLAGS set a b; COMMAND GETKEYSANDFLAGS set a b nx get; COMMAND GETKEYSANDFLAGS mget a b; COMMAND GETKEYSANDFLAGS rename a b; COMMAND GETKEYSANDFLAGS ping; HELLO 3; COMMAND GETKEYSANDFLAGS append a b; COMMAND GETKEYS mget a b',
  'COMMAND GETKEYS object encoding a; COMMAND GETKEYS object help; COMMAND GETKEYS object nosuch a; COMMAND GETKEYSANDFLAGS copy a b db 1; COMMAND GETKEYSANDFLAGS move a 1; COMMAND GETKEYS lcs a b len; COMMAND GETKEYSANDFLAGS touch a b; COMMAND GETKEYS randomkey; COMMAND GETKEYS substr a 1 2; COMMAND INFO "object|freq"',
  // OBJECT
  'OBJECT HELP; OBJECT HELP x; OBJECT; OBJECT nosuch; OBJECT ENCODING; OBJECT ENCODING a b; OBJECT FREQ none; HELLO 3; OBJECT HELP; OBJECT ENCODING none',
  // INFO
  'INFO nosuch; INFO nosuch another; INFO cluster; HELLO 3; INFO nosuch; INFO cluster',
  // WAIT
  'WAIT; WAIT 0 0; WAIT -1 5; WAIT x 1; WAIT 1 x; WAIT 1 -1; WAIT 99999999999999999999 1; WAIT 1 99999999999999999999; WAIT 1 2 3',
  // ACL, MODULE, LOLWUT
  'ACL; ACL foo; ACL WHOAMI; ACL WHOAMI x; ACL LIST; ACL LIST x; ACL USERS; ACL GETUSER; ACL GETUSER default; ACL GETUSER Default; ACL GETUSER x; ACL CAT; ACL CAT a b; ACL CAT nosuch; ACL HELP x; ACL GENPASS x; ACL GENPASS 0; ACL GENPASS -1; ACL GENPASS 4097; ACL GENPASS 1 2; HELLO 3; ACL GETUSER default; ACL GETUSER x',
  'CONFIG SET requirepass secret; ACL LIST; ACL GETUSER default; ACL WHOAMI; HELLO 3; ACL GETUSER default; CONFIG SET requirepass ""; ACL LIST',
  'MODULE; MODULE foo; MODULE LIST; MODULE LIST x; MODULE HELP; MODULE LOAD; MODULE LOAD x; MODULE LOADEX x; MODULE UNLOAD x; HELLO 3; MODULE LIST',
  'LOLWUT; LOLWUT x; LOLWUT VERSION; LOLWUT VERSION x; LOLWUT VERSION 5 x; LOLWUT VERSION 9; HELLO 3; LOLWUT',
  // Replication and cluster
  'ROLE; ROLE x; REPLICAOF; REPLICAOF a; REPLICAOF NO ONE; REPLICAOF no two; REPLICAOF a x; REPLICAOF a 70000; REPLICAOF a -1; SLAVEOF NO ONE; SLAVEOF a b; REPLICAOF a 1 2; HELLO 3; ROLE',
  'FAILOVER; FAILOVER ABORT; FAILOVER ABORT ABORT; FAILOVER ABORT TIMEOUT 3; FAILOVER FORCE; FAILOVER FORCE FORCE; FAILOVER TO a; FAILOVER TO a x; FAILOVER TO a 1; FAILOVER TO a 1 FORCE TIMEOUT 5; FAILOVER TIMEOUT; FAILOVER TIMEOUT x; FAILOVER TIMEOUT 0; FAILOVER TIMEOUT 1 TIMEOUT 1; FAILOVER foo',
  'READONLY; READONLY x; READWRITE; ASKING; CLUSTER; CLUSTER foo; CLUSTER INFO; CLUSTER INFO x; CLUSTER SLOTS; CLUSTER HELP; CLUSTER MYID; CLUSTER NODES; CLUSTER KEYSLOT; CLUSTER KEYSLOT a; CLUSTER MEET; CLUSTER RESET hard',
  // SLOWLOG, LATENCY
  'SLOWLOG; SLOWLOG foo; SLOWLOG HELP; SLOWLOG HELP x; SLOWLOG LEN x; SLOWLOG RESET x; SLOWLOG RESET; SLOWLOG GET x; SLOWLOG GET -2; SLOWLOG GET ""; SLOWLOG GET 1 2; SLOWLOG GET 0; SLOWLOG LEN',
  'LATENCY; LATENCY foo; LATENCY HELP; LATENCY HELP x; LATENCY LATEST; LATENCY LATEST x; LATENCY HISTORY; LATENCY HISTORY command; LATENCY GRAPH; LATENCY GRAPH nosuch; LATENCY RESET; LATENCY RESET nosuch other; LATENCY DOCTOR x; LATENCY HISTOGRAM nosuch; HELLO 3; LATENCY HISTOGRAM nosuch',
  'CONFIG SET slowlog-log-slower-than -2; CONFIG SET slowlog-log-slower-than x; CONFIG SET slowlog-log-slower-than 9223372036854775807; CONFIG GET slowlog-log-slower-than; CONFIG SET slowlog-log-slower-than 9223372036854775808; CONFIG SET slowlog-log-slower-than 10000; CONFIG SET slowlog-max-len -1; CONFIG SET slowlog-max-len 7; CONFIG GET slowlog-max-len; CONFIG SET slowlog-max-len 128; CONFIG SET latency-monitor-threshold -1; CONFIG GET latency-monitor-threshold; CONFIG SET latency-tracking maybe; CONFIG GET latency-tracking',
  'CONFIG SET latency-tracking-info-percentiles x; CONFIG SET latency-tracking-info-percentiles "50 101"; CONFIG SET latency-tracking-info-percentiles -1; CONFIG SET latency-tracking-info-percentiles nan; CONFIG SET latency-tracking-info-percentiles inf; CONFIG SET latency-tracking-info-percentiles 1e1; CONFIG GET latency-tracking-info-percentiles; CONFIG SET latency-tracking-info-percentiles ""; CONFIG GET latency-tracking-info-percentiles; CONFIG SET latency-tracking-info-percentiles "50 99 99.9"; CONFIG GET latency-tracking-info-percentiles',
  // SHUTDOWN
  'SHUTDOWN foo; SHUTDOWN nosave save; SHUTDOWN abort; SHUTDOWN abort now; SHUTDOWN nosave foo',
];

function commandsOf(script: string): string[][] {
  return script
    .split(';')
    .map((command) => [...command.trim().matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!));
}

/** What CONFIG GET says of several options has no order in Redis. */
const SEVERAL: readonly string[][] = [
  ['timeout', 'databases'],
  ['ti?eout', 'databas*', 'nosuch'],
  ['maxmemory', 'maxmemory-policy', 'hz', 'HZ'],
  ['[tT]imeout', 'TIMEOUT'],
];

/** What cannot be the same: our own connection numbers. */
function comparable(reply: string): string {
  return reply.replace(/(\$2\r\nid\r\n):\d+/, '$1:N');
}

describeWith(['redis-server'], 'replies of the server commands are those of Redis', () => {
  let redis: ServerProcess;
  let fake: FakeServer;
  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis' });
    fake = new FakeServer();
  });
  afterAll(() => redis?.dispose());

  test.each(SCRIPTS)('%s', async (script) => {
    const client = await RespClient.connect(redis.address, 'raw');
    const ours = fake.connect();
    for (const command of commandsOf(script)) {
      const words: Argument[] = command.map((word) => Buffer.from(word, 'latin1'));
      const theirs = ((await client.command(words[0]!, ...words.slice(1))) as Buffer).toString('latin1');
      expect(comparable(ours.run(...command)), command.join(' ')).toBe(comparable(theirs));
    }
    await client.close();
  });

  test.each(SEVERAL)('CONFIG GET %s %s', async (...patterns) => {
    const client = await RespClient.connect(redis.address, 'text');
    const theirs = (await client.command('CONFIG', 'GET', ...patterns)) as string[];
    await client.close();
    const lines = fake
      .connect()
      .run('CONFIG', 'GET', ...patterns)
      .split('\r\n');
    const ours = lines.filter((_, i) => i > 0 && i % 2 === 0);
    expect(pairsOf(ours).filter((pair) => !pair.startsWith('maxmemory='))).toEqual(
      pairsOf(theirs).filter((pair) => !pair.startsWith('maxmemory=')),
    );
  });
});

function pairsOf(words: readonly string[]): string[] {
  const pairs: string[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) pairs.push(`${words[i]}=${words[i + 1]}`);
  return pairs.sort();
}
