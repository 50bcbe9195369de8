/** All commands that need nothing but the engine, in the order of the reference. Those of the server are in server/commands. */
import type { CommandSpec } from './command.js';
import { connectionCommands } from './connection.js';
import { databaseCommands } from './databases.js';
import { dumpCommands } from './dump.js';
import { expirationCommands } from './expiration.js';
import { keyCopyCommands } from './key-copy.js';
import { keyCommands } from './keys.js';
import { keyScanCommands } from './keys-scan.js';
import { objectCommands } from './object.js';
import { randomKeyCommands } from './random-key.js';
import { stringCompareCommands } from './string-compare.js';
import { stringEditCommands } from './string-edit.js';
import { stringGetCommands } from './string-get.js';
import { stringNumberCommands } from './string-number.js';
import { stringSetCommands } from './string-set.js';

export const coreCommands: readonly CommandSpec[] = [
  ...stringSetCommands,
  ...stringGetCommands,
  ...stringEditCommands,
  ...stringNumberCommands,
  ...stringCompareCommands,
  ...keyCommands,
  ...keyCopyCommands,
  ...keyScanCommands,
  ...randomKeyCommands,
  ...objectCommands,
  ...expirationCommands,
  ...dumpCommands,
  ...databaseCommands,
  ...connectionCommands,
];
