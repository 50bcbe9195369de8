/** Options of several machines: replication, cluster, TLS between and in front of them. This version runs on one. */
import { replicaOfKind } from '../list-kinds.js';
import { INT_MAX, integerKind, LONG_MAX, memoryKind, wideIntegerKind } from '../number-kinds.js';
import { noEffect, refused } from '../option.js';
import { booleanKind, choiceKind, hostNameKind, textKind } from '../word-kinds.js';

const NO_REPLICATION = 'this version has no replication';
const NO_CLUSTER = 'this version has no cluster';
const NO_TLS = 'this version does not speak TLS: put a proxy such as stunnel or HAProxy in front of it';

const PORT = integerKind(0, 65535);
const COUNT = integerKind(0, INT_MAX);
const FROM_ONE = integerKind(1, INT_MAX);

export const replicationOptions = {
  replicaof: refused(replicaOfKind, '', NO_REPLICATION, { changes: 'start', aliases: ['slaveof'] }),
  'min-replicas-to-write': refused(COUNT, 0, `${NO_REPLICATION}, so no write would ever be taken`, {
    aliases: ['min-slaves-to-write'],
  }),
  'min-replicas-max-lag': noEffect(COUNT, 10, NO_REPLICATION, { aliases: ['min-slaves-max-lag'] }),
  masterauth: noEffect(textKind, '', NO_REPLICATION, { secret: true }),
  masteruser: noEffect(textKind, '', NO_REPLICATION, { secret: true }),
  'repl-timeout': noEffect(FROM_ONE, 60, NO_REPLICATION),
  'repl-ping-replica-period': noEffect(FROM_ONE, 10, NO_REPLICATION, { aliases: ['repl-ping-slave-period'] }),
  'repl-disable-tcp-nodelay': noEffect(booleanKind, false, NO_REPLICATION),
  'repl-diskless-sync': noEffect(booleanKind, true, NO_REPLICATION),
  'repl-diskless-sync-delay': noEffect(COUNT, 5, NO_REPLICATION),
  'repl-diskless-sync-max-replicas': noEffect(COUNT, 0, NO_REPLICATION),
  'repl-diskless-load': noEffect(choiceKind(['disabled', 'on-empty-db', 'swapdb']), 'disabled', NO_REPLICATION, {
    deniedWhileLoading: true,
  }),
  'repl-backlog-size': noEffect(memoryKind(1n, LONG_MAX, 16n * 1024n), 1024n ** 2n, NO_REPLICATION),
  'repl-backlog-ttl': noEffect(wideIntegerKind(0n, LONG_MAX), 3600n, NO_REPLICATION),
  'replica-serve-stale-data': noEffect(booleanKind, true, NO_REPLICATION, { aliases: ['slave-serve-stale-data'] }),
  'replica-read-only': noEffect(booleanKind, true, NO_REPLICATION, { aliases: ['slave-read-only'] }),
  'replica-lazy-flush': noEffect(booleanKind, false, NO_REPLICATION, { aliases: ['slave-lazy-flush'] }),
  'replica-ignore-maxmemory': noEffect(booleanKind, true, NO_REPLICATION, { aliases: ['slave-ignore-maxmemory'] }),
  'replica-ignore-disk-write-errors': noEffect(booleanKind, false, NO_REPLICATION),
  'replica-announced': noEffect(booleanKind, true, NO_REPLICATION),
  'replica-announce-ip': noEffect(textKind, '', NO_REPLICATION, { aliases: ['slave-announce-ip'] }),
  'replica-announce-port': noEffect(PORT, 0, NO_REPLICATION, { aliases: ['slave-announce-port'] }),
  'replica-priority': noEffect(COUNT, 100, NO_REPLICATION, { aliases: ['slave-priority'] }),
  'propagation-error-behavior': noEffect(
    choiceKind(['ignore', 'panic', 'panic-on-replicas']),
    'ignore',
    NO_REPLICATION,
  ),

  'cluster-enabled': refused(booleanKind, false, NO_CLUSTER, { changes: 'start' }),
  'cluster-port': noEffect(PORT, 0, NO_CLUSTER, { changes: 'start' }),
  'cluster-config-file': noEffect(textKind, 'nodes.conf', NO_CLUSTER, { changes: 'start' }),
  'cluster-node-timeout': noEffect(wideIntegerKind(0n, LONG_MAX), 15000n, NO_CLUSTER),
  'cluster-replica-validity-factor': noEffect(COUNT, 10, NO_CLUSTER, { aliases: ['cluster-slave-validity-factor'] }),
  'cluster-replica-no-failover': noEffect(booleanKind, false, NO_CLUSTER, { aliases: ['cluster-slave-no-failover'] }),
  'cluster-migration-barrier': noEffect(COUNT, 1, NO_CLUSTER),
  'cluster-allow-replica-migration': noEffect(booleanKind, true, NO_CLUSTER),
  'cluster-require-full-coverage': noEffect(booleanKind, true, NO_CLUSTER),
  'cluster-allow-reads-when-down': noEffect(booleanKind, false, NO_CLUSTER),
  'cluster-allow-pubsubshard-when-down': noEffect(booleanKind, true, NO_CLUSTER),
  'cluster-link-sendbuf-limit': noEffect(memoryKind(0n, 2n ** 64n - 1n), 0n, NO_CLUSTER),
  'cluster-announce-ip': noEffect(textKind, '', NO_CLUSTER),
  'cluster-announce-port': noEffect(PORT, 0, NO_CLUSTER),
  'cluster-announce-bus-port': noEffect(PORT, 0, NO_CLUSTER),
  'cluster-announce-tls-port': noEffect(PORT, 0, NO_CLUSTER),
  'cluster-announce-hostname': noEffect(hostNameKind, '', NO_CLUSTER),
  'cluster-preferred-endpoint-type': noEffect(choiceKind(['ip', 'hostname', 'unknown-endpoint']), 'ip', NO_CLUSTER),

  'tls-port': refused(PORT, 0, NO_TLS),
  'tls-replication': refused(booleanKind, false, NO_TLS),
  'tls-cluster': refused(booleanKind, false, NO_TLS),
  'tls-cert-file': refused(textKind, '', NO_TLS),
  'tls-key-file': refused(textKind, '', NO_TLS),
  'tls-key-file-pass': refused(textKind, '', NO_TLS),
  'tls-client-cert-file': refused(textKind, '', NO_TLS),
  'tls-client-key-file': refused(textKind, '', NO_TLS),
  'tls-client-key-file-pass': refused(textKind, '', NO_TLS),
  'tls-dh-params-file': refused(textKind, '', NO_TLS),
  'tls-ca-cert-file': refused(textKind, '', NO_TLS),
  'tls-ca-cert-dir': refused(textKind, '', NO_TLS),
  'tls-auth-clients': refused(choiceKind(['no', 'yes', 'optional']), 'yes', NO_TLS),
  'tls-protocols': refused(textKind, '', NO_TLS),
  'tls-ciphers': refused(textKind, '', NO_TLS),
  'tls-ciphersuites': refused(textKind, '', NO_TLS),
  'tls-prefer-server-ciphers': refused(booleanKind, false, NO_TLS),
  'tls-session-caching': refused(booleanKind, true, NO_TLS),
  'tls-session-cache-size': refused(COUNT, 20480, NO_TLS),
  'tls-session-cache-timeout': refused(COUNT, 300, NO_TLS),
};
