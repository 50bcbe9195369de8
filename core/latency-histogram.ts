/**
 * How long something took, as a distribution: 16 buckets for every power of two of nanoseconds, so a value is known to
 * about 6 %, in a fixed 5 KiB whatever is recorded. The buckets that LATENCY HISTOGRAM shows are unions of these.
 */

/** Buckets for every power of two; a power of two itself. */
const STEPS = 16;
const STEP_BITS = 4;
/** Longest time that is told apart, 2^40 ns (18 minutes); longer ones count as this. */
const EXPONENT_MAX = 40;
const BUCKETS = (EXPONENT_MAX - STEP_BITS + 2) * STEPS;
/** Numbers below this can be taken apart with 32-bit operations. */
const SMALL = 2 ** 31;

/** Bucket of a time in nanoseconds. */
function bucketOf(nanoseconds: number): number {
  let value = Math.min(nanoseconds, 2 ** EXPONENT_MAX);
  let halvings = 0;
  while (value >= SMALL) {
    value /= 2;
    halvings++;
  }
  const whole = value | 0;
  if (whole < STEPS) return Math.max(0, whole);
  const shift = 31 - Math.clz32(whole) - STEP_BITS;
  return (shift + halvings + 1) * STEPS + ((whole >>> shift) & (STEPS - 1));
}

/** The first number of nanoseconds behind a bucket. */
function endOf(bucket: number): number {
  if (bucket < STEPS) return bucket + 1;
  const shift = Math.floor(bucket / STEPS) - 1;
  return (STEPS + (bucket % STEPS) + 1) * 2 ** shift;
}

export class LatencyHistogram {
  /** Calls recorded. */
  count = 0;
  private readonly counts = new Float64Array(BUCKETS);

  /** Records `calls` calls that took so long each. */
  record(micros: number, calls: number): void {
    const bucket = bucketOf(micros * 1000);
    this.counts[bucket] = this.counts[bucket]! + calls;
    this.count += calls;
  }

  /** The time in microseconds that `percent` of the calls did not exceed; 0 when there were none. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((this.count * percent) / 100 - 1e-9));
    let seen = 0;
    for (let i = 0; i < BUCKETS && this.count > 0; i++) {
      seen += this.counts[i]!;
      if (seen >= wanted) return (endOf(i) - 1) / 1000;
    }
    return 0;
  }

  /**
   * The distribution over powers of two as Redis shows it: pairs of a time in whole microseconds and the calls that took
   * no longer. Times that would repeat the count before them are left out.
   */
  cumulative(): [micros: number, calls: number][] {
    const pairs: [number, number][] = [];
    let seen = 0;
    let shown = 0;
    let bucket = 0;
    for (let end = 1024; seen < this.count; end *= 2) {
      while (bucket < BUCKETS && endOf(bucket) <= end) seen += this.counts[bucket++]!;
      if (bucket === BUCKETS) seen = this.count;
      // Redis names a bucket by the highest time that its own histogram, of 128 steps, cannot tell from its bound.
      if (seen > shown) pairs.push([Math.floor((end + end / 128 - 1) / 1000), seen]);
      shown = seen;
    }
    return pairs;
  }
}
