/** Options of what operators look at: slow commands, latencies, notifications, and users' rights. */
import { percentilesKind } from '../list-kinds.js';
import { LONG_MAX, wideIntegerKind } from '../number-kinds.js';
import { noEffect, refused } from '../option.js';
import { booleanKind, choiceKind, eventClassesKind, textKind } from '../word-kinds.js';

const NO_SLOWLOG = 'this version has no SLOWLOG';
const NO_LATENCY = 'this version has no LATENCY';
const ONE_USER = 'this version has no users beyond `default`';

export const monitoringOptions = {
  'slowlog-log-slower-than': noEffect(wideIntegerKind(-1n, LONG_MAX), 10000n, NO_SLOWLOG),
  'slowlog-max-len': noEffect(wideIntegerKind(0n, LONG_MAX), 128n, NO_SLOWLOG),
  'latency-monitor-threshold': noEffect(wideIntegerKind(0n, LONG_MAX), 0n, NO_LATENCY),
  'latency-tracking': noEffect(booleanKind, true, NO_LATENCY),
  'latency-tracking-info-percentiles': noEffect(percentilesKind, [50, 99, 99.9], NO_LATENCY),
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
