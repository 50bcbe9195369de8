/** Strings in RDB files. */

import { RDB_TYPE_STRING } from './rdb-format.js';
import type { RdbHandler, RdbKey, RdbValueReader } from './rdb-handler.js';
import { type RdbInput, type RdbString, READ } from './rdb-input.js';

export const stringReader: RdbValueReader = {
  types: [RDB_TYPE_STRING],

  read(input: RdbInput, _type: number, key: RdbKey, value: RdbString, handler: RdbHandler): number {
    const outcome = input.readString(value, true);
    if (outcome === READ) handler.string(key, value);
    return outcome;
  },
};
