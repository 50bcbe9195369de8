import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { pagesToReserve } from '../../../core/memory/reservation.js';
import { CLASS_BYTES, CLASS_COUNT, CLASS_PAGES, PAGE_BYTES } from '../../../core/memory/size-classes.js';
import { SeededRandom } from '../differential/random.js';

const bytesMin = (sizeClass: number) => (sizeClass === 0 ? 16 : CLASS_BYTES[sizeClass - 1]! + 1);

function pagesUsed(arena: Arena): number {
  return arena.stats.pageBytes / PAGE_BYTES;
}

/** Begins a span of every class in the order given, as long as the bytes last. */
function beginSpans(order: readonly number[], bytes: number): number {
  const arena = new Arena();
  let left = bytes;
  for (const sizeClass of order) {
    for (let list = 0; list < 4; list++) {
      const length = bytesMin(sizeClass);
      if (length > left) continue;
      left -= length;
      if (list < 2) arena.allocRecord(list, length);
      else arena.allocNode(list - 2, length);
    }
  }
  return pagesUsed(arena);
}

describe('pages to reserve', () => {
  const classes = Array.from({ length: CLASS_COUNT }, (_, index) => index);
  const byYield = [...classes].sort((l, r) => bytesMin(l) / CLASS_PAGES[l]! - bytesMin(r) / CLASS_PAGES[r]!);

  it('cover a span begun of as many classes as the bytes can reach', () => {
    const random = new SeededRandom(31);
    for (const bytes of [16, 32, 84, 300, 1000, 4096, 16_384, 40_000, 100_000, 300_000, 1_000_000]) {
      expect(beginSpans(byYield, bytes)).toBeLessThanOrEqual(pagesToReserve(bytes));
      for (let round = 0; round < 20; round++) {
        const order = classes.map((sizeClass) => ({ sizeClass, key: random.next() }));
        order.sort((left, right) => left.key - right.key);
        expect(
          beginSpans(
            order.map(({ sizeClass }) => sizeClass),
            bytes,
          ),
        ).toBeLessThanOrEqual(pagesToReserve(bytes));
      }
    }
  });

  it('cover any one class asked for with the fewest bytes', () => {
    for (const sizeClass of classes) {
      const arena = new Arena();
      const bytes = 200_000;
      for (let left = bytes; left >= bytesMin(sizeClass); left -= bytesMin(sizeClass)) {
        arena.allocNode(0, sizeClass === 0 ? 1 : bytesMin(sizeClass));
      }
      expect(pagesUsed(arena)).toBeLessThanOrEqual(pagesToReserve(bytes));
    }
  });

  it('never fall with more bytes, and stay near what is asked', () => {
    let last = 0;
    for (let bytes = 0; bytes < 1_000_000; bytes += 97) {
      const pages = pagesToReserve(bytes);
      expect(pages).toBeGreaterThanOrEqual(last);
      last = pages;
    }
    expect(pagesToReserve(0)).toBe(0);
    expect(pagesToReserve(84)).toBeLessThanOrEqual(20);
    expect(pagesToReserve(2 ** 29) * PAGE_BYTES).toBeLessThan(1.5 * 2 ** 29);
  });
});
