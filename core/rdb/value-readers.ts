/** The data types that are read, by their bytes in the file. A new type is one more line here. */
import type { RdbValueReader } from './rdb-handler.js';
import { stringReader } from './string-reader.js';

const READERS: readonly RdbValueReader[] = [stringReader];

/** The reader of a type byte, at its index. */
export const valueReaders: readonly (RdbValueReader | undefined)[] = byType();

function byType(): (RdbValueReader | undefined)[] {
  const table = new Array<RdbValueReader | undefined>(256).fill(undefined);
  for (const reader of READERS) for (const type of reader.types) table[type] = reader;
  return table;
}
