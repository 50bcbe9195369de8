/**
 * Random commands of the surface that core/commands declares: sensible ones, ones at the limits of their arguments, and
 * malformed ones. What depends on the clock is kept apart: a deadline lies far in the past, or an hour and more from now,
 * or beyond FIXED_DEADLINE_MS where it is absolute, so that no key expires while a test runs.
 */
import { dumpPayload, foreignPayload } from '../rdb/payloads.js';
import { SeededRandom } from './random.js';

/** Absolute deadlines are beyond this (the year 2286), relative ones before it. */
export const FIXED_DEADLINE_MS = 10_000_000_000_000;
/** A COUNT that makes one SCAN return everything. */
export const SCAN_ALL = '10000000';

type Words = (string | Uint8Array)[];

const INTEGERS = [
  '0', '1', '-1', '2', '10', '-10', '100', '65535', '2147483647', '-2147483648', '2147483648', '4294967296',
  '9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '1152921504606846976',
  '9223372036854775807', '-9223372036854775808', '9223372036854775806', '-9223372036854775807', '4611686018427387904',
]; // biome-ignore format: one idea a line
const NOT_INTEGERS = [
  '',
  ' ',
  'abc',
  '1.5',
  '1e3',
  '+1',
  ' 1',
  '1 ',
  '01',
  '-0',
  '--1',
  '0x10',
  '9223372036854775808',
  '-9223372036854775809',
  '18446744073709551616',
  '99999999999999999999999',
  '1\0',
  '\0',
  '-',
];
const FLOATS = [
  '0',
  '1',
  '-1',
  '0.1',
  '0.2',
  '3.0e3',
  '1e-5',
  '-0.0',
  '1.5',
  '123456789.123456789',
  '3.14159265358979323846',
  '1e17',
  '1e18',
  '-1e20',
  '0x1p3',
  '.5',
  '5.',
  '10000000000000000000',
  '0.000000000000000001',
  '1e300',
  '0.30000000000000004',
];
const NOT_FLOATS = [
  '',
  'abc',
  ' 1',
  '1 ',
  'nan',
  'inf',
  '-inf',
  'infinity',
  '1e5000',
  '1.2.3',
  '1e',
  '--1',
  '1\0',
  '1,5',
];
/** XXH3 of '1', 'two', 70,000 times 'y', and of nothing that is stored. */
const DIGESTS = ['65cd25028f98f158', '6c0560bdcb29998b', 'f010e4e53c3d23ce', '0123456789abcdef'];
const PATTERNS = [
  '*',
  'key:*',
  'key:?',
  'key:1?',
  '*1*',
  'key:[0-9]',
  'key:[^0-4]',
  'k\\*',
  '[a-',
  '[',
  '\\',
  '',
  '**',
  'x*',
  '?*?',
  'key:[1-]',
  'n*[!a]',
  '*[',
];
const OPTION_WORDS = [
  'NX',
  'XX',
  'GET',
  'EX',
  'PX',
  'EXAT',
  'PXAT',
  'KEEPTTL',
  'PERSIST',
  'GT',
  'LT',
  'MATCH',
  'COUNT',
  'TYPE',
  'ASYNC',
  'SYNC',
  'nx',
  'Get',
  'keepttl',
  'NX\0',
  'foo',
  '',
];

export class CommandGenerator {
  private readonly random: SeededRandom;
  private readonly keys: (string | Uint8Array)[] = [];
  private readonly makers: (readonly [number, () => Words])[];
  private readonly weight: number;
  /** Commands still to be given out after the last one, which belong to it. */
  private readonly following: Words[] = [];

  /** @param newer also commands and options that Redis 7.0 does not know. */
  constructor(seed: number, newer = false) {
    this.random = new SeededRandom(seed);
    for (let i = 0; i < 40; i++) this.keys.push(`key:${i}`);
    for (let i = 0; i < 10; i++) this.keys.push(`n${i}`);
    for (let i = 0; i < 6; i++) this.keys.push(this.bytes(1 + this.random.below(12)));
    this.keys.push(
      '',
      'a\r\nb',
      '\0',
      '*',
      'k'.repeat(127),
      'k'.repeat(128),
      'K'.repeat(512),
      'K'.repeat(513),
      'L'.repeat(20_000),
    );
    this.makers = newer ? [...this.table(), ...this.newerTable()] : this.table();
    this.weight = this.makers.reduce((sum, [weight]) => sum + weight, 0);
  }

  /** The next command, argument by argument. */
  next(): Uint8Array[] {
    return (this.following.shift() ?? this.make()).map((word) => (typeof word === 'string' ? latin1(word) : word));
  }

  private make(): Words {
    let at = this.random.next() * this.weight;
    let words: Words = ['PING'];
    for (const [weight, maker] of this.makers) {
      at -= weight;
      if (at < 0) {
        words = maker();
        break;
      }
    }
    if (this.random.chance(0.1)) words[0] = this.otherCase(String(words[0]));
    return this.random.chance(0.06) ? this.malform(words) : words;
  }

  private table(): (readonly [number, () => Words])[] {
    const r = this.random;
    return [
      [10, () => ['SET', this.key(), this.value()]],
      [10, () => ['SET', this.key(), this.value(), ...this.setOptions()]],
      [10, () => ['GET', this.key()]],
      [3, () => ['GETDEL', this.key()]],
      [5, () => ['GETEX', this.key(), ...(r.chance(0.2) ? ['PERSIST'] : r.chance(0.8) ? this.deadline() : [])]],
      [3, () => ['GETSET', this.key(), this.value()]],
      [3, () => ['SETNX', this.key(), this.value()]],
      [3, () => ['SETEX', this.key(), this.relative(1), this.value()]],
      [3, () => ['PSETEX', this.key(), this.relative(1000), this.value()]],
      [5, () => ['MGET', ...this.some(() => [this.key()])]],
      [4, () => ['MSET', ...this.some(() => [this.key(), this.value()])]],
      [3, () => ['MSETNX', ...this.some(() => [this.key(), this.value()])]],
      [6, () => ['APPEND', this.key(), this.value()]],
      [3, () => ['STRLEN', this.key()]],
      [6, () => ['SETRANGE', this.key(), this.offset(), this.value()]],
      [6, () => [r.pick(['GETRANGE', 'GETRANGE', 'SUBSTR']), this.key(), this.index(), this.index()]],
      [1.5, () => ['SET', `lcs:${r.below(4)}`, this.letters()]],
      [3, () => ['LCS', this.compared(), this.compared(), ...this.lcsOptions()]],
      [5, () => [r.pick(['INCR', 'DECR']), this.counter()]],
      [6, () => [r.pick(['INCRBY', 'DECRBY']), this.counter(), this.integer()]],
      [5, () => ['INCRBYFLOAT', this.counter(), this.float()]],
      [4, () => [r.pick(['DEL', 'UNLINK']), ...this.some(() => [this.key()])]],
      [3, () => ['EXISTS', ...this.some(() => [this.key()])]],
      [2, () => ['TYPE', this.key()]],
      [4, () => [r.pick(['RENAME', 'RENAMENX']), this.key(), this.key()]],
      [4, () => ['EXPIRE', this.key(), this.lifetime(1), ...this.conditions()]],
      [4, () => ['PEXPIRE', this.key(), this.lifetime(1000), ...this.conditions()]],
      [4, () => ['EXPIREAT', this.key(), this.moment(1000), ...this.conditions()]],
      [5, () => ['PEXPIREAT', this.key(), this.moment(1), ...this.conditions()]],
      [5, () => [r.pick(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']), this.key()]],
      [3, () => ['PERSIST', this.key()]],
      [5, () => ['COPY', this.key(), this.key(), ...this.copyOptions()]],
      [4, () => ['MOVE', this.key(), this.databaseNumber()]],
      [2, () => ['RANDOMKEY']],
      [2, () => ['TOUCH', ...this.some(() => [this.key()])]],
      [6, () => ['OBJECT', r.pick(['ENCODING', 'ENCODING', 'encoding', 'REFCOUNT', 'FREQ', 'IDLETIME']), this.key()]],
      [0.2, () => ['OBJECT', r.pick(['HELP', 'help', 'nosuch', 'ENCODING', ''])]],
      [3, () => ['DUMP', this.key()]],
      [5, () => [r.pick(['RESTORE', 'RESTORE', 'RESTORE-ASKING']), this.key(), ...this.payload()]],
      [2, () => this.scan()],
      [1.5, () => ['KEYS', this.pattern()]],
      [1.5, () => this.countKeys()],
      [2, () => ['SELECT', r.chance(0.9) ? String(r.below(4)) : this.integer()]],
      [
        0.5,
        () => [
          'SWAPDB',
          r.chance(0.9) ? String(r.below(4)) : this.integer(),
          r.chance(0.9) ? String(r.below(17)) : this.integer(),
        ],
      ],
      [0.15, () => [r.pick(['FLUSHDB', 'FLUSHALL']), ...r.pick([[], ['ASYNC'], ['sync'], ['later']])]],
      [1, () => ['PING', ...(r.chance(0.5) ? [this.value()] : [])]],
      [1, () => ['ECHO', this.value()]],
      [0.5, () => ['TIME']],
      [
        1,
        () => [
          r.pick(['nosuch', 'GETT', 'SE', '', 'se\r\nt', 'set\0', 'x'.repeat(200)]),
          ...this.some(() => [this.value()]),
        ],
      ],
    ];
  }

  private newerTable(): (readonly [number, () => Words])[] {
    return [
      [10, () => ['SET', this.key(), this.value(), ...this.comparison(), ...this.setOptions()]],
      [10, () => this.comparingSet()],
      [5, () => ['DELEX', this.key(), ...(this.random.chance(0.2) ? [] : this.comparison())]],
      [5, () => ['DIGEST', this.key()]],
      [10, () => this.msetex()],
    ];
  }

  /** A command that Redis 7.0 does not know, well-formed. */
  nextNewer(): Uint8Array[] {
    const r = this.random;
    const words = r.pick([
      () => this.comparingSet(),
      () => ['DELEX', this.fewKeys(), ...(r.chance(0.1) ? [] : this.comparison())],
      () => ['DIGEST', this.fewKeys()],
      () => this.msetex(),
    ])();
    return words.map((word) => (typeof word === 'string' ? latin1(word) : word));
  }

  /** One of so few keys and values that comparisons are often true. */
  private fewKeys(): string {
    return `few:${this.random.below(6)}`;
  }

  private fewValues(): string {
    return this.random.pick(['', '1', 'two', '12345', 'x'.repeat(300), 'y'.repeat(70_000)]);
  }

  private comparison(): Words {
    const r = this.random;
    const value = this.fewValues();
    if (r.chance(0.5)) return [r.pick(['IFEQ', 'IFNE', 'ifeq', 'IfNe']), value];
    return [r.pick(['IFDEQ', 'IFDNE', 'ifdeq']), r.chance(0.5) ? DIGESTS[0]! : r.pick(DIGESTS)];
  }

  private validDeadline(): Words {
    const r = this.random;
    const seconds = 3600 + r.below(1_000_000);
    const fixed = FIXED_DEADLINE_MS + r.below(1_000_000) * 1777;
    return r.pick([
      ['EX', String(seconds)],
      ['px', String(seconds * 1000 + r.below(1000))],
      ['EXAT', String(Math.ceil(fixed / 1000))],
      ['PXAT', String(fixed)],
      ['EXAT', '1'],
    ]);
  }

  private comparingSet(): Words {
    const r = this.random;
    const options = [this.comparison()];
    if (r.chance(0.3)) options.push(['GET']);
    if (r.chance(0.4)) options.push(r.chance(0.3) ? ['KEEPTTL'] : this.validDeadline());
    if (r.chance(0.5)) options.reverse();
    return ['SET', this.fewKeys(), this.fewValues(), ...options.flat()];
  }

  private msetex(): Words {
    const r = this.random;
    const pairs = 1 + r.below(r.chance(0.1) ? 20 : 3);
    const words: Words = ['MSETEX', String(pairs)];
    for (let i = 0; i < pairs; i++) words.push(this.fewKeys(), this.fewValues());
    const options: Words[] = [];
    if (r.chance(0.5)) options.push([r.pick(['NX', 'XX', 'nx'])]);
    if (r.chance(0.7)) options.push(r.chance(0.3) ? ['KEEPTTL'] : this.validDeadline());
    if (r.chance(0.5)) options.reverse();
    return [...words, ...options.flat()];
  }

  private malform(words: Words): Words {
    const r = this.random;
    const at = r.below(words.length);
    switch (r.below(5)) {
      case 0:
        return words.slice(0, Math.max(1, at));
      case 1:
        return [...words, r.pick<string | Uint8Array>([...OPTION_WORDS, ...NOT_INTEGERS, this.bytes(5)])];
      case 2:
        return at === 0 ? words : words.with(at, r.pick([...NOT_INTEGERS, ...OPTION_WORDS]));
      case 3:
        return at === 0 ? words : words.with(at, this.bytes(r.below(40)));
      default:
        return at === 0 ? words : [...words.slice(0, at), r.pick(OPTION_WORDS), ...words.slice(at)];
    }
  }

  private otherCase(word: string): string {
    return word.replace(/[A-Za-z]/g, (letter) =>
      this.random.chance(0.5) ? letter.toLowerCase() : letter.toUpperCase(),
    );
  }

  private some(make: () => Words): Words {
    const words: Words = [];
    for (let left = 1 + this.random.below(this.random.chance(0.05) ? 40 : 4); left > 0; left--) words.push(...make());
    return words;
  }

  private bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.random.below(256);
    return bytes;
  }

  private key(): string | Uint8Array {
    return this.random.pick(this.keys);
  }

  private counter(): string | Uint8Array {
    return this.random.chance(0.8) ? `n${this.random.below(10)}` : this.key();
  }

  private value(): string | Uint8Array {
    const r = this.random;
    const kind = r.next();
    if (kind < 0.3) return this.integer();
    if (kind < 0.4) return r.pick(FLOATS);
    if (kind < 0.7) return `value ${r.below(1000)} ${'x'.repeat(r.below(60))}`;
    if (kind < 0.9) return this.bytes(r.below(100));
    if (kind < 0.985) return 'y'.repeat(r.below(5000));
    if (kind < 0.998) return 'z'.repeat(15_000 + r.below(4000));
    return 'w'.repeat(60_000 + r.below(80_000));
  }

  /** Texts that have something in common. */
  private letters(): string {
    const alphabet = this.random.pick(['ab', 'abc', 'abcdefgh']);
    let text = '';
    for (let left = this.random.below(200); left > 0; left--) text += alphabet[this.random.below(alphabet.length)];
    return text;
  }

  private compared(): string | Uint8Array {
    return this.random.chance(0.8) ? `lcs:${this.random.below(4)}` : this.key();
  }

  private lcsOptions(): Words {
    const r = this.random;
    const options: Words = [];
    if (r.chance(0.5)) options.push(r.pick(['IDX', 'idx', 'LEN', 'Len']));
    if (r.chance(0.4)) options.push('MINMATCHLEN', r.chance(0.8) ? String(r.below(6)) : this.integer());
    if (r.chance(0.4)) options.push('WITHMATCHLEN');
    if (r.chance(0.1)) options.push(r.pick(['LEN', 'IDX', 'MINMATCHLEN', 'foo', '']));
    return options;
  }

  private databaseNumber(): string {
    const r = this.random;
    return r.chance(0.9) ? String(r.below(4)) : r.pick(['16', '15', '-1', '2147483648', '-2147483649', 'x', '1.5', '']);
  }

  private copyOptions(): Words {
    const r = this.random;
    const options: Words = [];
    if (r.chance(0.4)) options.push(r.pick(['DB', 'db']), this.databaseNumber());
    if (r.chance(0.5)) options.push(r.pick(['REPLACE', 'replace']));
    if (r.chance(0.05)) options.push(r.pick(['DB', 'REPLACE', 'foo', '', 'DB\0']));
    return options;
  }

  private integer(): string {
    const kind = this.random.next();
    if (kind < 0.5) return String(this.random.below(2000) - 1000);
    return kind < 0.9 ? this.random.pick(INTEGERS) : this.random.pick(NOT_INTEGERS);
  }

  private float(): string {
    const kind = this.random.next();
    if (kind < 0.4) return (this.random.next() * 1000 - 500).toFixed(this.random.below(18));
    return kind < 0.85 ? this.random.pick(FLOATS) : this.random.pick(NOT_FLOATS);
  }

  private offset(): string {
    const kind = this.random.next();
    if (kind < 0.6) return String(this.random.below(60));
    if (kind < 0.9) return String(this.random.below(6000));
    if (kind < 0.92) return String(this.random.below(150_000));
    if (kind < 0.96) return this.random.pick(['536870912', '536870911', '9223372036854775807', '-1', '4294967295']);
    return this.random.pick(NOT_INTEGERS);
  }

  private index(): string {
    return this.random.chance(0.8) ? String(this.random.below(120) - 60) : this.integer();
  }

  private pattern(): string | Uint8Array {
    return this.random.chance(0.9) ? this.random.pick(PATTERNS) : this.random.chance(0.5) ? this.key() : this.bytes(4);
  }

  /** A time from now of an hour or more, in the unit that has `perSecond` to a second; or one that is refused. */
  private relative(perSecond: number): string {
    const kind = this.random.next();
    if (kind < 0.8) return String((3600 + this.random.below(1_000_000_000)) * perSecond + this.random.below(perSecond));
    if (kind >= 0.9) return this.random.pick(NOT_INTEGERS);
    const overflow = perSecond === 1 ? '9223372036854775' : '9223372036854775807';
    return this.random.pick(['0', '-1', overflow, '9223372036854775807', '-9223372036854775808']);
  }

  /** The same, or a time that is past. */
  private lifetime(perSecond: number): string {
    return this.random.chance(0.1) ? String(-this.random.below(100)) : this.relative(perSecond);
  }

  /** An absolute deadline, in a unit of so many ms. */
  private moment(unitMs: number): string {
    const kind = this.random.next();
    if (kind < 0.1) return this.random.pick(['0', '1', '-1', '1000', '-9223372036854775808', '-9223372036854775']);
    if (kind < 0.85) return String(Math.floor((FIXED_DEADLINE_MS + this.random.below(1_000_000) * 1777) / unitMs));
    if (kind < 0.95)
      return this.random.pick([
        '9223372036854775807',
        '9223372036854775',
        '9223372036854774',
        '9007199254740993',
        '281474976710656',
        '281474976710655',
      ]);
    return this.random.pick(NOT_INTEGERS);
  }

  private deadline(): Words {
    const r = this.random;
    const word = r.pick(['EX', 'PX', 'EXAT', 'PXAT', 'ex', 'Pxat']);
    switch (word.toUpperCase()) {
      case 'EX':
        return [word, this.relative(1)];
      case 'PX':
        return [word, this.relative(1000)];
      case 'EXAT':
        return [word, this.moment(1000)];
      default:
        return [word, this.moment(1)];
    }
  }

  private setOptions(): Words {
    const r = this.random;
    const options: Words = [];
    if (r.chance(0.4)) options.push(r.pick(['NX', 'XX', 'nx', 'xX']));
    if (r.chance(0.3)) options.push('GET');
    if (r.chance(0.2)) options.push('KEEPTTL');
    else if (r.chance(0.6)) options.push(...this.deadline());
    if (r.chance(0.05)) options.push(r.pick(OPTION_WORDS));
    return r.chance(0.3) && options.length > 2 ? [...options.slice(1), options[0]!] : options;
  }

  /** Deadline, payload and options of a RESTORE; one in ten is damaged, though its checksum may be right. */
  private payload(): Words {
    const r = this.random;
    const value = this.value();
    const made = r.chance(0.9)
      ? dumpPayload(typeof value === 'string' ? latin1(value) : value)
      : r.pick([
          new Uint8Array(0),
          this.bytes(12),
          foreignPayload([0, 3, 65]),
          foreignPayload([0, 0xc3, 2, 40, 0, 65]),
        ]);
    const payload = made.length > 0 && r.chance(0.05) ? made.with(r.below(made.length), r.below(256)) : made;
    const options: Words = [];
    if (r.chance(0.6)) options.push(r.pick(['REPLACE', 'replace']));
    const absolute = r.chance(0.4);
    if (absolute) options.push(r.pick(['ABSTTL', 'absttl']));
    if (r.chance(0.1)) options.push('IDLETIME', r.chance(0.7) ? String(r.below(10_000)) : this.integer());
    if (r.chance(0.1)) options.push('FREQ', r.chance(0.7) ? String(r.below(256)) : this.integer());
    if (r.chance(0.05)) options.push(r.pick(OPTION_WORDS));
    return [r.chance(0.5) ? '0' : absolute ? this.moment(1) : this.relative(1000), payload, ...options];
  }

  private conditions(): Words {
    const r = this.random;
    if (r.chance(0.5)) return [];
    return r.chance(0.8)
      ? [r.pick(['NX', 'XX', 'GT', 'LT', 'gt', 'Lt'])]
      : [r.pick(['NX', 'XX', 'GT']), r.pick(['XX', 'GT', 'LT', 'foo'])];
  }

  private scan(): Words {
    const r = this.random;
    const options: Words = [];
    if (r.chance(0.4)) options.push('MATCH', this.pattern());
    if (r.chance(0.3)) options.push('TYPE', r.pick(['string', 'STRING', 'hash', 'foo']));
    if (r.chance(0.8)) options.push('COUNT', SCAN_ALL);
    else if (r.chance(0.5)) options.push('COUNT', this.integer());
    return [
      'SCAN',
      r.chance(0.9) ? '0' : r.pick(['', 'abc', '-1', '+0', ' 0', '0 ', '18446744073709551616', '0\0x', '-']),
      ...options,
    ];
  }

  /** DBSIZE counts keys past their deadline until somebody meets them: a walk over all meets them. */
  private countKeys(): Words {
    this.following.push(['DBSIZE']);
    return ['SCAN', '0', 'COUNT', SCAN_ALL];
  }
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
