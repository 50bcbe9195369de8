/** The eviction policies by Redis' names: which keys may go, and by what they are chosen. Choosing is `eviction.ts`'. */

/** Nothing is evicted. */
export const EVICT_NOTHING = 0;
/** The least recently used. */
export const EVICT_BY_RECENCY = 1;
/** The least frequently used. */
export const EVICT_BY_FREQUENCY = 2;
/** Any. */
export const EVICT_BY_CHANCE = 3;
/** The one whose deadline comes first. */
export const EVICT_BY_DEADLINE = 4;

export interface EvictionPolicy {
  /** One of the EVICT_ numbers. */
  readonly by: number;
  /** Only keys with a deadline may go. */
  readonly volatileOnly: boolean;
}

function policy(by: number, volatileOnly: boolean): EvictionPolicy {
  return { by, volatileOnly };
}

export const NO_EVICTION: EvictionPolicy = policy(EVICT_NOTHING, false);

export const EVICTION_POLICIES = {
  'volatile-lru': policy(EVICT_BY_RECENCY, true),
  'volatile-lfu': policy(EVICT_BY_FREQUENCY, true),
  'volatile-random': policy(EVICT_BY_CHANCE, true),
  'volatile-ttl': policy(EVICT_BY_DEADLINE, true),
  'allkeys-lru': policy(EVICT_BY_RECENCY, false),
  'allkeys-lfu': policy(EVICT_BY_FREQUENCY, false),
  'allkeys-random': policy(EVICT_BY_CHANCE, false),
  noeviction: NO_EVICTION,
} as const satisfies Record<string, EvictionPolicy>;

export type EvictionPolicyName = keyof typeof EVICTION_POLICIES;
