/** Options of what operators look at: slow commands, latencies, notifications, and users' rights. */
import { percentilesKind } from '../list-kinds.js';
import { LONG_MAX, wideIntegerKind } from '../number-kinds.js';
import { noEffect, option, refused } from '../option.js';
import { booleanKind, choiceKind, eventClassesKind, textKind } from '../word-kinds.js';

const ONE_USER = 'this version has no users beyond `default`';

export const monitoringOptions = {
  'slowlog-log-slower-than': option({
    kind: wideIntegerKind(-1n, LONG_MAX),
    initial: 10000n,
    changes: 'running',
    summary:
      'Microseconds of execution from which a command is kept in the slow log; 0 keeps every command, -1 none. ' +
      'Below 1000 every command reads the clock by itself.',
    apply: (target, micros) => target.setSlowlogMicros(Number(micros)),
  }),
  'slowlog-max-len': option({
    kind: wideIntegerKind(0n, LONG_MAX),
    initial: 128n,
    changes: 'running',
    summary: 'Entries that the slow log keeps; never more than 16 MiB of them.',
    apply: (target, entries) => target.setSlowlogLength(Number(entries)),
  }),
  'latency-monitor-threshold': option({
    kind: wideIntegerKind(0n, LONG_MAX),
    initial: 0n,
    changes: 'running',
    summary: 'Milliseconds from which an event is kept for LATENCY; 0 keeps none.',
    apply: (target, milliseconds) => target.setLatencyThresholdMs(Number(milliseconds)),
  }),
  'latency-tracking': option({
    kind: booleanKind,
    initial: true,
    changes: 'running',
    summary: 'Whether the distribution of times is kept for every command: LATENCY HISTOGRAM and INFO latencystats.',
    apply: (target, on) => target.setLatencyTracking(on),
  }),
  'latency-tracking-info-percentiles': option({
    kind: percentilesKind,
    initial: [50, 99, 99.9],
    changes: 'running',
    summary: 'What INFO latencystats shows of each distribution.',
  }),
  'notify-keyspace-events': noEffect(eventClassesKind, '', 'this version has no publish and subscribe'),
  'acl-pubsub-default': noEffect(choiceKind(['allchannels', 'resetchannels']), 'resetchannels', ONE_USER),
  'acllog-max-len': noEffect(wideIntegerKind(0n, LONG_MAX), 128n, ONE_USER),
  aclfile: refused(textKind, '', `${ONE_USER}: remove the option, and set the password with requirepass`, {
    changes: 'start',
  }),
  'tracking-table-max-keys': noEffect(
    wideIntegerKind(0n, LONG_MAX),
    1000000n,
    "this version does not track clients' caches",
  ),
  'busy-reply-threshold': noEffect(wideIntegerKind(0n, LONG_MAX), 5000n, 'this version runs no scripts', {
    aliases: ['lua-time-limit'],
  }),
};
