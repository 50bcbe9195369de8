/** Where the keys of a command stand, from its declaration: for COMMAND INFO and COMMAND GETKEYS. */
import type { Arguments } from '../../core/arguments.js';
import type { CommandSpec, KeySpecFlag, KeywordKeySpec, RangeKeySpec } from '../../core/commands/command.js';

/** Positions as COMMAND told them before there were key specifications; all 0 where they do not fit this form. */
export interface LegacyKeys {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const NO_KEYS: LegacyKeys = { first: 0, last: 0, step: 0 };

export function legacyKeysOf(spec: CommandSpec): LegacyKeys {
  const [key, ...more] = spec.keys ?? [];
  if (key === undefined || !('lastKey' in key)) return NO_KEYS;
  if (more.length === 0 || more.some((next) => 'keyword' in next))
    return { first: key.index, last: lastOf(key), step: key.step };
  let last = lastOf(key);
  for (const next of more) {
    if (!('lastKey' in next)) return NO_KEYS;
    // Several specifications are one range only where they are single keys side by side.
    if (next.step !== 1 || key.step !== 1 || next.lastKey < 0 || next.index !== last + 1) return NO_KEYS;
    last = lastOf(next);
  }
  return { first: key.index, last, step: 1 };
}

function lastOf(key: RangeKeySpec): number {
  return key.lastKey >= 0 ? key.index + key.lastKey : key.lastKey;
}

export interface KeyPosition {
  /** Argument number. */
  readonly argument: number;
  readonly flags: readonly KeySpecFlag[];
}

/** Words of SET and DELEX that make them look at the value. */
const COMPARING = ['IFEQ', 'IFNE', 'IFDEQ', 'IFDNE'];

/** Flags of a key whose declaration says that they vary with the arguments: SET and DELEX. */
function variableFlags(spec: CommandSpec, args: Arguments, offset: number): readonly KeySpecFlag[] {
  const removes = spec.name === 'delex';
  const words = removes ? COMPARING : ['GET', ...COMPARING];
  for (let i = offset + (removes ? 2 : 3); i < args.count; i++) {
    if (words.some((word) => args.is(i, word))) return ['RW', 'access', removes ? 'delete' : 'update'];
  }
  return removes ? ['RM', 'delete'] : ['OW', 'update'];
}

/**
 * The keys among the arguments of a command; undefined where they tell their own number and it is wrong.
 * @param offset number of the argument that is the command's name.
 */
export function keyPositionsOf(spec: CommandSpec, args: Arguments, offset: number): KeyPosition[] | undefined {
  const positions: KeyPosition[] = [];
  const count = args.count - offset;
  for (const key of spec.keys ?? []) {
    if ('keyword' in key) {
      addKeysBehindWord(positions, key, args, offset);
      continue;
    }
    const flags = key.flags.includes('variable_flags') ? variableFlags(spec, args, offset) : key.flags;
    const first = 'lastKey' in key ? key.index : key.index + key.firstAt;
    let last: number;
    if ('lastKey' in key) {
      last = key.lastKey >= 0 ? key.index + key.lastKey : count + key.lastKey;
      if (key.lastKey < 0 && key.limit > 1) last = key.index + Math.floor((last - key.index + 1) / key.limit) - 1;
    } else {
      last = lastCounted(args, offset + key.index + key.countAt, first, key.step, count);
      if (last < first) return undefined;
    }
    for (let i = first; i <= last && i < count; i += key.step) positions.push({ argument: offset + i, flags });
  }
  return positions;
}

/** MIGRATE: where there are keys behind the word, the one before it is empty and no key. */
function addKeysBehindWord(positions: KeyPosition[], key: KeywordKeySpec, args: Arguments, offset: number): void {
  for (let i = offset + 6; i < args.count; i++) {
    if (args.is(i, 'AUTH')) i += 1;
    else if (args.is(i, 'AUTH2')) i += 2;
    else if (args.is(i, key.keyword) && args.length(offset + 3) === 0) {
      positions.length = 0;
      for (let k = i + 1; k < args.count; k++) positions.push({ argument: k, flags: key.flags });
      return;
    }
  }
}

/** The last of the keys whose number argument i tells; 0 where it tells none, or more than there are arguments. */
function lastCounted(args: Arguments, i: number, first: number, step: number, count: number): number {
  if (i >= args.count) return 0;
  const text = args.latin1(i, 10);
  if (!/^[1-9]\d{0,8}$/.test(text)) return 0;
  const last = first + (Number(text) - 1) * step;
  return last < count ? last : 0;
}
