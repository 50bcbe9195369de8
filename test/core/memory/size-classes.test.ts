import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  CLASS_BYTES,
  CLASS_COUNT,
  CLASS_PAGES,
  CLASS_SLOTS,
  HEADER_BYTES,
  PAGE_BYTES,
  SINGLE_PAGE_BYTES_MAX,
  SLOT_BYTES_MAX,
  sizeClassOf,
  slotBytesOf,
} from '../../../core/memory/size-classes.js';

const classes = Array.from({ length: CLASS_COUNT }, (_, index) => ({
  bytes: CLASS_BYTES[index]!,
  pages: CLASS_PAGES[index]!,
  slots: CLASS_SLOTS[index]!,
}));

describe('size classes', () => {
  it('go from 16 to 128 by 8, then at most 12.5 % apart, to 16 KiB', () => {
    expect(classes[0]!.bytes).toBe(16);
    expect(classes.at(-1)!.bytes).toBe(SLOT_BYTES_MAX);
    for (let i = 1; i < classes.length; i++) {
      const step = classes[i]!.bytes - classes[i - 1]!.bytes;
      expect(step).toBeGreaterThan(0);
      if (classes[i]!.bytes <= 128) expect(step).toBe(8);
      else expect(step / classes[i - 1]!.bytes).toBeLessThanOrEqual(0.125);
    }
  });

  it('are multiples of 8, so that a length in units of 8 finds its class', () => {
    for (const { bytes } of classes) expect(bytes % 8).toBe(0);
  });

  it('give every length the smallest slot that holds it', () => {
    for (let length = 1; length <= SLOT_BYTES_MAX; length++) {
      const sizeClass = sizeClassOf(length);
      expect(CLASS_BYTES[sizeClass]).toBeGreaterThanOrEqual(length);
      if (sizeClass > 0) expect(CLASS_BYTES[sizeClass - 1]).toBeLessThan(length);
      expect(slotBytesOf(length)).toBe(CLASS_BYTES[sizeClass]);
    }
  });

  it('fill single pages up to 1016 bytes, spans of up to 16 pages above', () => {
    for (const { bytes, pages } of classes) {
      if (bytes <= SINGLE_PAGE_BYTES_MAX) expect(pages).toBe(1);
      else expect(pages).toBeGreaterThanOrEqual(1);
      expect(pages).toBeLessThanOrEqual(16);
    }
  });

  it('have the slots that fit behind the header, a number that fits 8 bits', () => {
    for (const { bytes, pages, slots } of classes) {
      expect(slots).toBe(Math.floor((pages * PAGE_BYTES - HEADER_BYTES) / bytes));
      expect(slots).toBeGreaterThan(0);
      expect(slots).toBeLessThanOrEqual(255);
    }
  });

  it('waste at most 11 % of a page behind the last slot, 8 % of a span', () => {
    for (const { bytes, pages, slots } of classes) {
      expect(1 - (slots * bytes) / (pages * PAGE_BYTES)).toBeLessThan(bytes <= SINGLE_PAGE_BYTES_MAX ? 0.11 : 0.08);
    }
  });

  it('hold at least 45 records of 88 bytes in a page', () => {
    expect(CLASS_SLOTS[sizeClassOf(84)]).toBeGreaterThanOrEqual(45);
    expect(slotBytesOf(84)).toBe(88);
  });
});

describe('docs/memory.md', () => {
  it('lists the size classes', () => {
    const page = readFileSync(fileURLToPath(new URL('../../../docs/memory.md', import.meta.url)), 'utf8');
    const table = page.split('<!-- size classes: begin -->')[1]!.split('<!-- size classes: end -->')[0]!;
    const numbers = [...table.matchAll(/\d+/g)].map(([text]) => Number(text));
    const listed = new Map<number, number[]>();
    for (let i = 0; i < numbers.length; i += 4) listed.set(numbers[i]!, numbers.slice(i + 1, i + 4));
    expect(listed.size).toBe(CLASS_COUNT);
    for (const [index, { bytes, pages, slots }] of classes.entries()) {
      expect(listed.get(index)).toEqual([bytes, pages, slots]);
    }
  });
});
