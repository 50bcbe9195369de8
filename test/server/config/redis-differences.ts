/**
 * Where options differ from Redis 7.0, each with the reason. redis-options.test.ts compares everything else reply by
 * reply.
 */

/** Options whose default is another one. */
export const DIFFERENT_DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['appendfsync', 'every write is logged before it is acknowledged'],
  ['appendonly', 'every write is logged before it is acknowledged'],
  ['maxmemory', 'memory is bounded by default'],
]);

export interface Difference {
  readonly why: string;
  /** Whether it concerns this value. */
  concerns(value: string): boolean;
}

const ANY = (): boolean => true;

/** An amount that Redis reads as a percentage, because it keeps those below zero. */
const READ_AS_PERCENT = '18446744073709551615';

/** Options of which CONFIG SET takes other values. */
export const DIFFERENT_CHANGES: ReadonlyMap<string, Difference> = new Map<string, Difference>([
  ['port', { why: 'a running server keeps its listeners', concerns: ANY }],
  ['bind', { why: 'a running server keeps its listeners', concerns: ANY }],
  ['appendonly', { why: 'it is always yes', concerns: ANY }],
  ['appendfsync', { why: 'it is always `always`', concerns: ANY }],
  ['activedefrag', { why: "Debian's Redis is built without it", concerns: (value) => value.toLowerCase() === 'yes' }],
  ['maxmemory', { why: 'at most 64gb can be addressed', concerns: (value) => /^\d{11,}|\d{4,}gb$/.test(value) }],
  [
    'maxclients',
    { why: 'limits of open files; 2^32 - 1 stops Redis for minutes', concerns: (value) => Number(value) > 500 },
  ],
  ['min-replicas-to-write', { why: 'refused: there are no replicas', concerns: (value) => Number(value) > 0 }],
  ['maxmemory-clients', { why: 'see READ_AS_PERCENT', concerns: (value) => value === READ_AS_PERCENT }],
  [
    'latency-tracking-info-percentiles',
    { why: 'no hexadecimal numbers, no zero below zero', concerns: (value) => /^(-0|0x.*)$/.test(value) },
  ],
  ['watchdog-period', { why: 'Redis fits it to its own timer', concerns: (value) => Number(value) > 0 }],
]);

/** Amounts of memory beyond 64 bits, of which Redis makes something else. */
export const BEYOND_64_BITS: ReadonlySet<string> = new Set(['99999999999999999999', '17179869184gb']);

/** TLS options are refused with a reason of our own, or fail in Redis for the lack of files. */
export const TLS_OPTION = /^tls-/;
