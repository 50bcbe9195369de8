/** Latencies in bins of 10 us up to two seconds: counted where they are seen, sent to whoever adds them up. */

const BIN_US = 10;
const BINS = 200_000;

export class LatencyBins {
  count = 0;
  private readonly bins = new Uint32Array(BINS + 1);

  /** @param ms of each of `count` latencies. */
  add(ms: number, count: number): void {
    const bin = Math.min(BINS, Math.floor((ms * 1000) / BIN_US));
    this.bins[bin] = this.bins[bin]! + count;
    this.count += count;
  }

  /** The bins up to the last one that is not empty; counting begins anew. */
  take(): Uint32Array {
    const taken = this.bins.slice(0, this.bins.findLastIndex((count) => count > 0) + 1);
    this.bins.fill(0);
    this.count = 0;
    return taken;
  }

  /** Adds what `take` has returned. */
  addAll(bins: Uint32Array): void {
    for (let bin = 0; bin < bins.length; bin++) {
      this.bins[bin] = this.bins[bin]! + bins[bin]!;
      this.count += bins[bin]!;
    }
  }

  /** In ms, what a share of the latencies is at most; 1 for all of them. */
  msAt(share: number): number {
    let left = this.count * share;
    for (let bin = 0; bin < this.bins.length; bin++) {
      left -= this.bins[bin]!;
      if (left <= 0) return ((bin + 1) * BIN_US) / 1000;
    }
    return (BINS * BIN_US) / 1000;
  }
}
