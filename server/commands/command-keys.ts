/** Where the keys of a command stand, from its declaration: for COMMAND INFO and COMMAND GETKEYS. */
import type { Arguments } from '../../core/arguments.js';
import type { CommandSpec, KeySpec, KeySpecFlag } from '../../core/commands/command.js';

/** Positions as COMMAND told them before there were key specifications; all 0 where they do not fit this form. */
export interface LegacyKeys {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const NO_KEYS: LegacyKeys = { first: 0, last: 0, step: 0 };

export function legacyKeysOf(spec: CommandSpec): LegacyKeys {
  const [key, ...more] = spec.keys ?? [];
  if (key === undefined) return NO_KEYS;
  if (more.length === 0) return { first: key.index, last: lastOf(key), step: key.step };
  let last = lastOf(key);
  for (const next of more) {
    // Several specifications are one range only where they are single keys side by side.
    if (next.step !== 1 || key.step !== 1 || next.lastKey < 0 || next.index !== last + 1) return NO_KEYS;
    last = lastOf(next);
  }
  return { first: key.index, last, step: 1 };
}

function lastOf(key: KeySpec): number {
  return key.lastKey >= 0 ? key.index + key.lastKey : key.lastKey;
}

export interface KeyPosition {
  /** Argument number. */
  readonly argument: number;
  readonly flags: readonly KeySpecFlag[];
}

/** Flags of a key whose declaration says that they vary with the arguments: only SET so far. */
function variableFlags(args: Arguments, offset: number): readonly KeySpecFlag[] {
  for (let i = offset + 3; i < args.count; i++) if (args.is(i, 'GET')) return ['RW', 'access', 'update'];
  return ['OW', 'update'];
}

/**
 * The keys among the arguments of a command.
 * @param offset number of the argument that is the command's name.
 */
export function keyPositionsOf(spec: CommandSpec, args: Arguments, offset: number): KeyPosition[] {
  const positions: KeyPosition[] = [];
  const count = args.count - offset;
  for (const key of spec.keys ?? []) {
    let last = key.lastKey >= 0 ? key.index + key.lastKey : count + key.lastKey;
    if (key.lastKey < 0 && key.limit > 1) last = key.index + Math.floor((last - key.index + 1) / key.limit) - 1;
    const flags = key.flags.includes('variable_flags') ? variableFlags(args, offset) : key.flags;
    for (let i = key.index; i <= last && i < count; i += key.step) positions.push({ argument: offset + i, flags });
  }
  return positions;
}
