/** The 16 bytes in front of every page, span and run: what a page says of itself in an image. `docs/memory.md` has the table. */

import type { ReadableBytes } from './reference.js';

/** Changes with any change of the layout of pages or records. */
export const PAGE_LAYOUT_VERSION = 1;

const KIND = 0;
const SIZE_CLASS = 1;
const PAGE_COUNT = 2;
const VERSION = 3;
const KEYSPACE = 4;
const PAGE = 8;
const RESERVED = 12;

/** Writes a header at `at`. The caller has passed the barrier. `sizeClass` is the number of pages for a run. */
export function writePageHeader(
  bytes: Uint8Array,
  at: number,
  kind: number,
  sizeClass: number,
  pageCount: number,
  keyspaceId: number,
  page: number,
): void {
  bytes[at + KIND] = kind;
  bytes[at + SIZE_CLASS] = sizeClass;
  bytes[at + PAGE_COUNT] = pageCount;
  bytes[at + VERSION] = PAGE_LAYOUT_VERSION;
  put32(bytes, at + KEYSPACE, keyspaceId);
  put32(bytes, at + PAGE, page);
  put32(bytes, at + RESERVED, 0);
}

export function headerKind(bytes: ReadableBytes, at: number): number {
  return bytes[at + KIND]!;
}

export function headerSizeClass(bytes: ReadableBytes, at: number): number {
  return bytes[at + SIZE_CLASS]!;
}

export function headerPageCount(bytes: ReadableBytes, at: number): number {
  return bytes[at + PAGE_COUNT]!;
}

export function headerVersion(bytes: ReadableBytes, at: number): number {
  return bytes[at + VERSION]!;
}

export function headerKeyspace(bytes: ReadableBytes, at: number): number {
  return get32(bytes, at + KEYSPACE);
}

export function headerPage(bytes: ReadableBytes, at: number): number {
  return get32(bytes, at + PAGE);
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function get32(bytes: ReadableBytes, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
