/** Options of addresses, ports, connections and who may connect. */
import { addressesKind, outputBufferLimitsKind } from '../list-kinds.js';
import { INT_MAX, integerKind, memoryKind, memoryOrPercentKind, permissionsKind } from '../number-kinds.js';
import { noEffect, option } from '../option.js';
import { booleanKind, choiceKind, textKind } from '../word-kinds.js';

const MIB = 1024 ** 2;
const BIG_MIB = 1024n ** 2n;

export const networkOptions = {
  port: option({
    kind: integerKind(0, 65535),
    initial: 6379,
    changes: 'start',
    summary: 'TCP port; 0 takes a free one when the server is embedded or tested.',
  }),
  bind: option({
    kind: addressesKind,
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
    kind: integerKind(0, INT_MAX),
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
    secret: true,
    summary: "Password of the user `default`; '' for none.",
    apply: (target, password) => target.setPassword(password),
  }),
  timeout: option({
    kind: integerKind(0, INT_MAX),
    initial: 0,
    changes: 'running',
    summary: 'Seconds after which an idle connection is closed; 0 for never.',
    apply: (target, seconds) => target.setTimeoutSeconds(seconds),
  }),
  'tcp-keepalive': option({
    kind: integerKind(0, INT_MAX),
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
    kind: memoryKind(BIG_MIB),
    initial: 1024n * BIG_MIB,
    changes: 'running',
    summary: 'Bytes of a connection that may wait to be executed.',
    apply: (target, bytes) => target.setQueryBufferBytesMax(Number(bytes)),
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
    kind: memoryKind(BIG_MIB),
    initial: 512n * BIG_MIB,
    changes: 'running',
    summary: 'Largest single argument of a command.',
    apply: (target, bytes) => target.setBulkBytesMax(Number(bytes)),
  }),
  'maxmemory-clients': option({
    kind: memoryOrPercentKind,
    initial: 0n,
    changes: 'running',
    summary:
      'Bytes that all connections may use together, or a percentage of maxmemory; 0 means a quarter of maxmemory.',
    apply: (target, amount) => target.setMaxmemoryClients(Number(amount)),
  }),
  'enable-protected-configs': option({
    kind: choiceKind(['no', 'yes', 'local']),
    initial: 'no',
    changes: 'start',
    summary:
      'Whether CONFIG SET may change `dir` and `dbfilename`: by nobody, by anyone, or by clients of this machine.',
  }),
  'enable-debug-command': option({
    kind: choiceKind(['no', 'yes', 'local']),
    initial: 'no',
    changes: 'start',
    summary: 'Whether DEBUG may be used: by nobody, by anyone, or by clients of this machine.',
  }),
  'enable-module-command': option({
    kind: choiceKind(['no', 'yes', 'local']),
    initial: 'no',
    changes: 'start',
    summary:
      'Whether MODULE LOAD, LOADEX and UNLOAD may be used; there are no modules, so it decides which error they get.',
  }),
  'bind-source-addr': noEffect(
    textKind,
    '',
    'it is for connections to a master and to other nodes, which there are none of; MIGRATE does not go by it, in Redis neither',
  ),
  'socket-mark-id': noEffect(integerKind(0, 4294967295), 0, 'Node.js cannot mark sockets', { changes: 'start' }),
};
