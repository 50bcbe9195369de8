import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ChangeRights, Config, defaultMaxmemory, type Setting } from '../../../server/config/config.js';
import { ConfigError, ConfigValueError } from '../../../server/config/config-error.js';
import type { ConfigTarget } from '../../../server/config/config-target.js';
import { splitWords } from '../../../server/config/config-words.js';
import { OPTION_TABLE, type OptionName } from '../../../server/config/options.js';
import { machine } from '../support/fake-server.js';

function setting(name: string, ...words: string[]): Setting {
  return { name, words, where: 'command line' };
}

function configOf(...settings: Setting[]): Config {
  return new Config(settings, machine);
}

/** Notes what was applied, and refuses what it is told to. */
class RecordingTarget implements ConfigTarget {
  readonly applied: string[] = [];
  refuse = '';

  private note(name: string, value: unknown): void {
    if (this.refuse === name) throw new ConfigValueError('not today');
    this.applied.push(`${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  }

  setDirectory = (value: string): void => this.note('dir', value);
  setMaxmemory = (value: number): void => this.note('maxmemory', value);
  setMaxmemoryClients = (value: number): void => this.note('maxmemory-clients', value);
  setEvictionPolicy = (value: string): void => this.note('maxmemory-policy', value);
  setEvictionSamples = (value: number): void => this.note('maxmemory-samples', value);
  setEvictionTenacity = (value: number): void => this.note('maxmemory-eviction-tenacity', value);
  setDefragmentation = (value: unknown): void => this.note('activedefrag', value);
  setFrequencyLogFactor = (value: number): void => this.note('lfu-log-factor', value);
  setFrequencyDecayMinutes = (value: number): void => this.note('lfu-decay-time', value);
  setMaxclients = (value: number): void => this.note('maxclients', value);
  setTimeoutSeconds = (value: number): void => this.note('timeout', value);
  setTcpKeepaliveSeconds = (value: number): void => this.note('tcp-keepalive', value);
  setProtectedMode = (value: boolean): void => this.note('protected-mode', value);
  setPassword = (value: string): void => this.note('requirepass', value);
  setQueryBufferBytesMax = (value: number): void => this.note('client-query-buffer-limit', value);
  setBulkBytesMax = (value: number): void => this.note('proto-max-bulk-len', value);
  setOutputBufferLimits = (value: unknown): void => this.note('client-output-buffer-limit', value);
  setLogLevel = (value: string): void => this.note('loglevel', value);
  setSlowlogMicros = (value: number): void => this.note('slowlog-log-slower-than', value);
  setSlowlogLength = (value: number): void => this.note('slowlog-max-len', value);
  setLatencyThresholdMs = (value: number): void => this.note('latency-monitor-threshold', value);
  setLatencyTracking = (value: boolean): void => this.note('latency-tracking', value);
}

const ANYONE: ChangeRights = { protectedOptions: false, loading: false };

function attached(): { config: Config; target: RecordingTarget } {
  const config = configOf();
  const target = new RecordingTarget();
  config.attach(target);
  target.applied.length = 0;
  return { config, target };
}

describe('at the start', () => {
  test('without settings there are the defaults', () => {
    const { values } = configOf();
    expect(values.port).toBe(6379);
    expect(values.bind).toEqual(['127.0.0.1', '-::1']);
    expect(values.dir).toBe(join(process.cwd(), 'data'));
    expect(values.databases).toBe(16);
    expect(values.appendonly).toBe(true);
    expect(values.appendfsync).toBe('always');
    expect(values.save).toEqual([3600, 1, 300, 100, 60, 10000]);
  });

  test('a later setting replaces an earlier one, whatever the case of its name', () => {
    expect(configOf(setting('port', '1'), setting('PORT', '2')).values.port).toBe(2);
  });

  test('a relative directory starts at the working directory, an absolute one does not', () => {
    expect(new Config([setting('dir', 'a/b')], machine, '/somewhere').values.dir).toBe('/somewhere/a/b');
    expect(new Config([setting('dir', '/b')], machine, '/somewhere').values.dir).toBe('/b');
  });

  test('an option of several words takes them apart or as one', () => {
    expect(configOf(setting('bind', '127.0.0.1', '::1')).values.bind).toEqual(['127.0.0.1', '::1']);
    expect(configOf(setting('bind', '127.0.0.1 ::1')).values.bind).toEqual(['127.0.0.1', '::1']);
    expect(configOf(setting('save', '')).values.save).toEqual([]);
    expect(configOf(setting('save', '900', '1', '300', '10')).values.save).toEqual([900, 1, 300, 10]);
  });

  test('one class of output buffer limits leaves the others', () => {
    const config = configOf(setting('client-output-buffer-limit', 'replica', '1mb', '2mb', '3'));
    expect(config.shown('client-output-buffer-limit')).toBe(
      'normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60',
    );
  });

  test.each([
    [setting('prot', '1'), "command line: 'prot 1': there is no option 'prot'"],
    [setting('port'), "command line: 'port': wrong number of arguments"],
    [setting('port', '1', '2'), "command line: 'port 1 2': wrong number of arguments"],
    [setting('port', 'abc'), "command line: 'port abc': argument couldn't be parsed into an integer"],
    [setting('port', '70000'), "command line: 'port 70000': argument must be between 0 and 65535 inclusive"],
    [setting('maxmemory', '65gb'), /at most 64gb/],
  ])('%j is refused', (wrong, message) => {
    expect(() => configOf(wrong)).toThrow(message);
    expect(() => configOf(wrong)).toThrow(ConfigError);
  });

  test('what would weaken the promise stays as it is, with a warning', () => {
    const config = configOf(setting('appendonly', 'no'), setting('appendfsync', 'everysec'));
    expect(config.values.appendonly).toBe(true);
    expect(config.values.appendfsync).toBe('always');
    expect(config.warnings).toEqual([
      'appendonly stays yes, appendfsync stays always: every write is in the log before it is acknowledged',
    ]);
    expect(configOf(setting('appendfsync', 'no'), setting('appendfsync', 'always')).warnings).toEqual([]);
  });

  test('what changes nothing is said in one sentence, what is as it is anyway is not', () => {
    const config = configOf(
      setting('daemonize', 'yes'),
      setting('io-threads', '4'),
      setting('io-threads-do-reads', 'yes'),
      setting('dynamic-hz', 'yes'),
    );
    expect(config.warnings).toEqual([]);
    expect(config.notices).toHaveLength(1);
    expect(config.notices[0]).toMatch(
      /^without effect here: daemonize \(the process stays in the foreground.*\); io-threads, io-threads-do-reads \(/,
    );
    expect(config.notices[0]).not.toContain('dynamic-hz');
    expect(configOf(setting('timeout', '1')).notices).toEqual([]);
  });

  test('save points of one start add up, and none takes back those before', () => {
    expect(configOf(setting('save', '900', '1'), setting('save', '60 5 30 6')).values.save).toEqual([
      900, 1, 60, 5, 30, 6,
    ]);
    expect(configOf(setting('save', '900', '1'), setting('save', '')).values.save).toEqual([]);
    expect(configOf(setting('save', ''), setting('save', '60', '5')).values.save).toEqual([60, 5]);
  });

  test('names that Redis has forgotten are ignored', () => {
    expect(configOf(setting('lua-replicate-commands', 'no'), setting('LIST-max-ziplist-value', '3')).warnings).toEqual(
      [],
    );
    expect(() => configOf(setting('lua-replicate-commands'))).toThrow(ConfigError);
  });

  test('a secret is not repeated in an error', () => {
    expect(() => configOf(setting('requirepass', 'hidden', 'word'))).toThrow(
      "command line: 'requirepass': wrong number of arguments",
    );
  });

  test('maxmemory is 70 % of the memory, at most what can be addressed; 0 lifts it with one warning', () => {
    expect(configOf().values.maxmemory).toBe(Math.floor(machine.memoryBytes * 0.7));
    expect(configOf().warnings).toEqual([]);
    expect(defaultMaxmemory({ memoryBytes: 1024 ** 4, openFilesMax: 1 })).toBe(64 * 1024 ** 3);
    const lifted = configOf(setting('maxmemory', '0'));
    expect(lifted.values.maxmemory).toBe(0);
    expect(lifted.warnings).toHaveLength(1);
  });

  test('maxclients fits the limit of open files; whoever asked for more is told', () => {
    const facts = { ...machine, openFilesMax: 1032 };
    expect(new Config([], facts).values.maxclients).toBe(1000);
    expect(new Config([], facts).warnings).toEqual([]);
    const asked = new Config([setting('maxclients', '5000')], facts);
    expect(asked.values.maxclients).toBe(1000);
    expect(asked.warnings).toEqual(['maxclients is 1000, not 5000: the limit of open files is 1032']);
  });

  test('attaching a server applies every option that acts on it', () => {
    const target = new RecordingTarget();
    configOf(setting('timeout', '9')).attach(target);
    const acting = [...OPTION_TABLE.values()].filter((option) => option.apply !== undefined).length;
    expect(target.applied).toHaveLength(acting);
    expect(target.applied).toContain('timeout=9');
  });
});

describe('CONFIG SET', () => {
  test('sets and applies all pairs', () => {
    const { config, target } = attached();
    expect(config.set(['timeout', '5', 'MAXMEMORY', '1gb'], ANYONE)).toBe('');
    expect(config.values.timeout).toBe(5);
    expect(config.shown('maxmemory')).toBe('1073741824');
    expect(target.applied).toEqual(['timeout=5', 'maxmemory=1073741824']);
  });

  test('a value that is not taken leaves all others as they were', () => {
    const { config, target } = attached();
    const error = config.set(['timeout', '5', 'tcp-keepalive', 'x'], ANYONE);
    expect(error).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'tcp-keepalive') - argument couldn't be parsed into an integer",
    );
    expect(config.values.timeout).toBe(0);
    expect(target.applied).not.toContain('timeout=5');
  });

  test('a server that cannot follow one value is put back to all old ones', () => {
    const { config, target } = attached();
    target.refuse = 'maxclients';
    expect(config.set(['timeout', '5', 'MaxClients', '77', 'hz', '20'], ANYONE)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'maxclients') - not today",
    );
    expect(target.applied).toEqual(['timeout=5', 'timeout=0']);
    expect(config.values.hz).toBe(10);
    expect(config.values.timeout).toBe(0);
    expect(config.values.maxclients).toBe(10_000);
  });

  test('what is fixed takes only what it is', () => {
    const { config } = attached();
    expect(config.set(['appendonly', 'YES'], ANYONE)).toBe('');
    expect(config.set(['appendonly', 'no'], ANYONE)).toMatch(/argument 'appendonly'\) - it is always 'yes'/);
    expect(config.set(['maxmemory', '65gb'], ANYONE)).toMatch(/at most 64gb/);
  });
});

/** The files that a running server would have to leave, and what it is never asked for. */
const REFUSED_NAMES = ['aclfile', 'replicaof', 'min-replicas-to-write', 'cluster-enabled', 'tls-port', 'tls-cert-file'];

describe('names and rights of CONFIG SET', () => {
  test('the first name that is wrong is the one that is told', () => {
    const { config } = attached();
    expect(config.set(['timeout', '1', 'Nosuch', '2'], ANYONE)).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - 'Nosuch'",
    );
    expect(config.set(['Port', '1', 'nosuch', '2'], ANYONE)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'Port') - can't set immutable config",
    );
    expect(config.set(['timeout', '1', 'TIMEOUT', '2', 'nosuch', '1'], ANYONE)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter",
    );
  });

  test('an option and its alias are two names: the later one counts, and a failure takes back both', () => {
    const { config } = attached();
    expect(config.set(['lua-time-limit', '1', 'busy-reply-threshold', '2'], ANYONE)).toBe('');
    expect(config.shown('busy-reply-threshold')).toBe('2');
    expect(config.set(['lua-time-limit', '3', 'busy-reply-threshold', 'x'], ANYONE)).not.toBe('');
    expect(config.shown('busy-reply-threshold')).toBe('2');
  });

  test('a protected option needs the right', () => {
    const { config } = attached();
    const { dir } = config.values;
    expect(config.set(['dbfilename', 'a.rdb'], ANYONE)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
    );
    const rights = { protectedOptions: true, loading: false };
    expect(config.set(['dbfilename', 'a.rdb', 'dir', '.'], rights)).toBe('');
    expect(config.values.dbfilename).toBe('a.rdb');
    expect(config.values.dir).toBe(dir);
    expect(config.set(['dbfilename', 'a/b'], rights)).toMatch(/dbfilename can't be a path, just a filename$/);
  });

  test('while the dataset is read some options get the LOADING error', () => {
    const { config } = attached();
    const loading = { protectedOptions: true, loading: true };
    expect(config.set(['appendonly', 'yes'], loading)).toBe('LOADING Redis is loading the dataset in memory');
    expect(config.set(['timeout', '1'], loading)).toBe('');
  });
});

describe('the table', () => {
  test('says of every option at most one of: without effect, fixed, refused', () => {
    for (const [name, { noEffect, fixed, refused, summary }] of OPTION_TABLE) {
      const reasons = [noEffect, fixed, refused].filter((reason) => reason !== undefined);
      expect(reasons.length, name).toBeLessThanOrEqual(1);
      // What it does, or why it does nothing.
      expect(summary !== '' || reasons.length === 1, name).toBe(true);
    }
  });

  test('what is refused takes its initial value only', () => {
    for (const name of REFUSED_NAMES) expect(OPTION_TABLE.get(name)?.refused, name).toBeDefined();
    expect(() => configOf(setting('replicaof', '127.0.0.1', '6379'))).toThrow(/no replication/);
    expect(() => configOf(setting('slaveof', 'NO', 'ONE'))).not.toThrow();
    expect(() => configOf(setting('tls-port', '6380'))).toThrow(/does not speak TLS/);
    expect(() => configOf(setting('tls-port', '0'))).not.toThrow();
    expect(attached().config.set(['tls-port', '6380'], ANYONE)).toMatch(
      /'tls-port'\) - this version does not speak TLS/,
    );
  });

  test('every value comes back from the lines that a file has of it', () => {
    const config = configOf();
    for (const [name, { kind, initial }] of OPTION_TABLE) {
      const value: unknown = config.values[name as OptionName];
      const lines = kind.lines?.(value) ?? [kind.format(value)];
      const parsed = lines.map((line) => kind.parse(splitWords(line)!, initial));
      const [first = value, ...others] = parsed;
      const back = others.reduce((earlier, later) => kind.combine?.(earlier, later) ?? later, first);
      expect(kind.format(back), name).toBe(config.shown(name));
    }
  });

  test('what cannot change has nothing to apply', () => {
    for (const [name, option] of OPTION_TABLE) {
      if (option.changes === 'start') expect(option.apply, name).toBeUndefined();
    }
  });
});
