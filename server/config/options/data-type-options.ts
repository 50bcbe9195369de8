/** Options of data types that this version does not have yet: when their small forms become large ones. */
import { INT_MAX, INT_MIN, integerKind, LONG_MAX, memoryKind, wideIntegerKind } from '../number-kinds.js';
import { noEffect } from '../option.js';

const NO_TYPE = 'this version has only strings';

export const dataTypeOptions = {
  'hash-max-listpack-entries': noEffect(wideIntegerKind(0n, LONG_MAX), 512n, NO_TYPE, {
    aliases: ['hash-max-ziplist-entries'],
  }),
  'hash-max-listpack-value': noEffect(memoryKind(0n), 64n, NO_TYPE, { aliases: ['hash-max-ziplist-value'] }),
  'list-max-listpack-size': noEffect(integerKind(INT_MIN, INT_MAX), -2, NO_TYPE, {
    aliases: ['list-max-ziplist-size'],
  }),
  'list-compress-depth': noEffect(integerKind(0, INT_MAX), 0, NO_TYPE),
  'set-max-intset-entries': noEffect(wideIntegerKind(0n, LONG_MAX), 512n, NO_TYPE),
  'zset-max-listpack-entries': noEffect(wideIntegerKind(0n, LONG_MAX), 128n, NO_TYPE, {
    aliases: ['zset-max-ziplist-entries'],
  }),
  'zset-max-listpack-value': noEffect(memoryKind(0n), 64n, NO_TYPE, { aliases: ['zset-max-ziplist-value'] }),
  'hll-sparse-max-bytes': noEffect(memoryKind(0n), 3000n, NO_TYPE),
  'stream-node-max-bytes': noEffect(memoryKind(0n), 4096n, NO_TYPE),
  'stream-node-max-entries': noEffect(wideIntegerKind(0n, LONG_MAX), 100n, NO_TYPE),
};
