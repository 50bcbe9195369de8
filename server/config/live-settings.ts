/** Makes a running server follow its options: what each of them acts on. */
import type { Engine } from '../../core/engine.js';
import { EVICTION_POLICIES, type EvictionPolicyName } from '../../core/eviction-policy.js';
import type { DefragmentationSettings } from '../../core/memory/defragmenter.js';
import type { Session } from '../../core/session.js';
import { STRING_BYTES_MAX } from '../../core/types/string.js';
import type { ConnectionLimits, OutputBufferLimits } from '../connections/connection-limits.js';
import type { ExecutionWatch } from '../execution-watch.js';
import type { ServerLog } from '../server-core-seam.js';
import { ConfigValueError } from './config-error.js';
import type { ConfigTarget, LogLevel } from './config-target.js';
import { type MachineFacts, readMachineFacts } from './machine-facts.js';
import { RESERVED_FILES } from './options.js';

/** Whose sessions follow a change of the password: the ConnectionRegistry. */
export interface Sessions {
  readonly all: ReadonlyMap<number, { readonly session: Session }>;
}

export class LiveSettings implements ConfigTarget {
  private readonly engine: Engine;
  private readonly limits: ConnectionLimits;
  private readonly serverLog: ServerLog;
  private readonly machine: MachineFacts;
  private readonly sessions: Sessions;
  private readonly watch: ExecutionWatch;
  private clientMemory = 0;
  private directory: string | undefined = undefined;

  constructor(
    engine: Engine,
    limits: ConnectionLimits,
    sessions: Sessions,
    serverLog: ServerLog,
    watch: ExecutionWatch,
    machine: MachineFacts = readMachineFacts(),
  ) {
    this.engine = engine;
    this.limits = limits;
    this.sessions = sessions;
    this.serverLog = serverLog;
    this.watch = watch;
    this.machine = machine;
  }

  setDirectory(path: string): void {
    this.directory ??= path;
    if (path !== this.directory) {
      throw new ConfigValueError(
        'the log of a running server cannot move: end the server, move the directory, start with the new one',
      );
    }
  }

  setMaxmemory(bytes: number): void {
    if (bytes === 0 && this.engine.maxmemory > 0) {
      this.serverLog.log.warn('maxmemory is 0: nothing keeps the dataset below the memory of this machine');
    }
    this.engine.setMaxmemory(bytes);
    this.setMaxmemoryClients(this.clientMemory);
  }

  setMaxmemoryClients(bytesOrPercent: number): void {
    this.clientMemory = bytesOrPercent;
    this.limits.maxmemoryClientsBytes =
      bytesOrPercent < 0 ? Math.floor((this.engine.maxmemory * -bytesOrPercent) / 100) : bytesOrPercent;
  }

  setEvictionPolicy(name: EvictionPolicyName): void {
    this.engine.setEvictionPolicy(EVICTION_POLICIES[name]);
  }

  setEvictionSamples(count: number): void {
    this.engine.eviction.samples = count;
  }

  setEvictionTenacity(tenacity: number): void {
    this.engine.eviction.tenacity = tenacity;
  }

  setDefragmentation(settings: Partial<DefragmentationSettings>): void {
    Object.assign(this.engine.defragmenter.settings, settings);
  }

  setFrequencyLogFactor(factor: number): void {
    this.engine.accessClock.logFactor = factor;
  }

  setFrequencyDecayMinutes(minutes: number): void {
    this.engine.accessClock.decayMinutes = minutes;
  }

  setMaxclients(count: number): void {
    const most = Math.max(1, this.machine.openFilesMax - RESERVED_FILES);
    if (count > most) {
      throw new ConfigValueError(
        `The operating system is not able to handle the specified number of clients, try with ${most}`,
      );
    }
    this.limits.maxclients = count;
  }

  setTimeoutSeconds(seconds: number): void {
    this.limits.timeoutSeconds = seconds;
  }

  setTcpKeepaliveSeconds(seconds: number): void {
    this.limits.tcpKeepaliveSeconds = seconds;
  }

  setProtectedMode(on: boolean): void {
    this.limits.protectedMode = on;
  }

  setPassword(password: string): void {
    this.limits.hasPassword = password !== '';
    if (password !== '') return;
    for (const { session } of this.sessions.all.values()) session.authenticated = true;
  }

  setQueryBufferBytesMax(bytes: number): void {
    this.limits.queryBufferBytesMax = bytes;
  }

  setBulkBytesMax(bytes: number): void {
    this.limits.bulkBytesMax = bytes;
    this.engine.database.stringBytesMax = Math.min(bytes, STRING_BYTES_MAX);
  }

  setOutputBufferLimits(limits: OutputBufferLimits): void {
    this.limits.outputBufferLimits = limits;
  }

  setLogLevel(level: LogLevel): void {
    this.serverLog.setLevel(level);
  }

  setSlowlogMicros(micros: number): void {
    this.watch.slowlogMicros = micros;
    this.watch.refresh();
  }

  setSlowlogLength(entries: number): void {
    this.watch.slowLog.setLength(entries);
  }

  setLatencyThresholdMs(milliseconds: number): void {
    this.watch.latency.thresholdMs = milliseconds;
    this.watch.refresh();
  }

  setLatencyTracking(on: boolean): void {
    this.engine.tracksLatency = on;
  }
}
