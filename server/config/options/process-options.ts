/** Options of the process: how it is started and supervised, where it logs, what it is called. */
import { killScoresKind } from '../list-kinds.js';
import { frequencyKind, INT_MAX, integerKind } from '../number-kinds.js';
import { noEffect, option } from '../option.js';
import { booleanKind, choiceKind, processTitleKind, shutdownWordsKind, textKind } from '../word-kinds.js';

const STAYS = 'the process stays in the foreground: run it under systemd, in a container, or with `&`';
const NO_SYSLOG = 'log lines go to `logfile`; systemd and containers collect the standard output';
const NODE_THREADS = 'Node.js chooses its threads; bind the process to CPUs with `taskset`';
const NO_CRASH_LOG = 'Node.js writes reports of its own';

export const processOptions = {
  databases: option({
    kind: integerKind(1, 64),
    initial: 16,
    changes: 'start',
    summary: 'Number of databases for SELECT.',
  }),
  hz: option({
    kind: frequencyKind,
    initial: 10,
    changes: 'running',
    summary: 'Ticks of background work a second, from the start on; work that is left goes on between ticks.',
  }),
  'dynamic-hz': noEffect(booleanKind, true, 'work that is left goes on between ticks, however many clients there are'),
  loglevel: option({
    kind: choiceKind(['debug', 'verbose', 'notice', 'warning']),
    initial: 'notice',
    changes: 'running',
    summary: 'Least severity that is logged.',
    apply: (target, level) => target.setLogLevel(level),
  }),
  logfile: option({
    kind: textKind,
    initial: '',
    changes: 'start',
    summary: "File that log lines are appended to; '' for the standard output.",
  }),
  daemonize: noEffect(booleanKind, false, STAYS, { changes: 'start' }),
  supervised: option({
    kind: choiceKind(['upstart', 'systemd', 'auto', 'no']),
    initial: 'no',
    changes: 'start',
    summary:
      'Whom to tell when the server is ready: systemd through `systemd-notify`; `auto` does so where systemd asks for it.',
  }),
  pidfile: option({
    kind: textKind,
    initial: '',
    changes: 'start',
    summary: "File that has the number of the process while it runs; '' for none.",
  }),
  'always-show-logo': noEffect(booleanKind, false, 'there is no logo', { changes: 'start' }),
  'set-proc-title': noEffect(booleanKind, true, 'the process keeps the title that Node.js gives it', {
    changes: 'start',
  }),
  'proc-title-template': noEffect(
    processTitleKind,
    '{title} {listen-addr} {server-mode}',
    'the process keeps the title that Node.js gives it',
  ),
  'syslog-enabled': noEffect(booleanKind, false, NO_SYSLOG, { changes: 'start' }),
  'syslog-ident': noEffect(textKind, 'redis', NO_SYSLOG, { changes: 'start' }),
  'syslog-facility': noEffect(
    choiceKind(['user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7']),
    'local0',
    NO_SYSLOG,
    { changes: 'start' },
  ),
  'io-threads': noEffect(integerKind(1, 128), 1, 'one thread reads, executes and writes', { changes: 'start' }),
  'io-threads-do-reads': noEffect(booleanKind, false, 'one thread reads, executes and writes', { changes: 'start' }),
  server_cpulist: noEffect(textKind, '', NODE_THREADS, { changes: 'start' }),
  bio_cpulist: noEffect(textKind, '', NODE_THREADS, { changes: 'start' }),
  'oom-score-adj': noEffect(
    choiceKind(['no', 'yes', 'absolute'], { relative: 'yes' }),
    'no',
    'set it from outside: OOMScoreAdjust= of systemd, or `choom`',
  ),
  'oom-score-adj-values': noEffect(
    killScoresKind,
    [0, 200, 800],
    'set it from outside: OOMScoreAdjust= of systemd, or `choom`',
  ),
  'shutdown-timeout': noEffect(integerKind(0, INT_MAX), 10, 'there are no replicas to wait for'),
  'shutdown-on-sigint': noEffect(shutdownWordsKind, [], 'an end by signal always commits everything'),
  'shutdown-on-sigterm': noEffect(shutdownWordsKind, [], 'an end by signal always commits everything'),
  'crash-log-enabled': noEffect(booleanKind, true, NO_CRASH_LOG),
  'crash-memcheck-enabled': noEffect(booleanKind, true, NO_CRASH_LOG),
  'use-exit-on-panic': noEffect(booleanKind, false, NO_CRASH_LOG, { hidden: true }),
  'watchdog-period': noEffect(integerKind(0, INT_MAX), 0, NO_CRASH_LOG, { hidden: true }),
  'ignore-warnings': noEffect(textKind, '', 'no warning stops a start'),
};
