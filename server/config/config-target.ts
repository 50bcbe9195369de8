/**
 * What options act on in a running server. The table of options knows only this; live-settings.ts implements it. A
 * method throws ConfigValueError to refuse a value, and must have changed nothing then.
 */
import type { EvictionPolicyName } from '../../core/eviction-policy.js';
import type { DefragmentationSettings } from '../../core/memory/defragmenter.js';
import type { OutputBufferLimits } from '../connections/connection-limits.js';

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

export interface ConfigTarget {
  /** Data directory, absolute, as a byte string. A running server stays where it is. */
  setDirectory(path: string): void;
  setMaxmemory(bytes: number): void;
  /** Bytes, or below zero a percentage of maxmemory; 0 for a quarter of maxmemory. */
  setMaxmemoryClients(bytesOrPercent: number): void;
  setEvictionPolicy(name: EvictionPolicyName): void;
  setEvictionSamples(count: number): void;
  /** 0 to 100. */
  setEvictionTenacity(tenacity: number): void;
  setDefragmentation(settings: Partial<DefragmentationSettings>): void;
  setFrequencyLogFactor(factor: number): void;
  setFrequencyDecayMinutes(minutes: number): void;
  setMaxclients(count: number): void;
  setTimeoutSeconds(seconds: number): void;
  setTcpKeepaliveSeconds(seconds: number): void;
  setProtectedMode(on: boolean): void;
  /** The password of the default user as a byte string; '' for none. */
  setPassword(password: string): void;
  setQueryBufferBytesMax(bytes: number): void;
  setBulkBytesMax(bytes: number): void;
  setOutputBufferLimits(limits: OutputBufferLimits): void;
  setLogLevel(level: LogLevel): void;
  /** Microseconds from which a command is kept; below zero for never. */
  setSlowlogMicros(micros: number): void;
  setSlowlogLength(entries: number): void;
  /** 0 for never. */
  setLatencyThresholdMs(milliseconds: number): void;
  setLatencyTracking(on: boolean): void;
}
