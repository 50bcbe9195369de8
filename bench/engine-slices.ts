/**
 * The longest uninterrupted slices of Holdfast's engine thread, as the server measures them itself (INFO slices): by
 * wall clock, and in CPU time of the thread, which does not count the time that other processes had the core.
 */
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerProcess } from '../test/support/server-process.js';

export interface EngineSlices {
  /** Of the five longest slices by wall clock, the most CPU time that one took; undefined where not published. */
  readonly longestCpuMs: number | undefined;
  readonly longestWallMs: number | undefined;
  /** What the five longest were, as INFO shows them. */
  readonly longest: readonly string[];
}

/** Environment in which Holdfast measures the CPU time of slices too; it costs two reads of a file a slice. */
export const sliceEnvironment: Readonly<Record<string, string>> = { HOLDFAST_SLICE_CPU: '1' };

const NONE: EngineSlices = { longestCpuMs: undefined, longestWallMs: undefined, longest: [] };

/** Forgets the slices so far. */
export async function resetSlices(server: ServerProcess): Promise<void> {
  const client = await server.connect();
  await client.command('CONFIG', 'RESETSTAT');
  await client.close();
}

/** The longest slices since the last reset. Redis publishes none. */
export async function readSlices(server: ServerProcess, kind: string): Promise<EngineSlices> {
  if (kind !== 'holdfast') return NONE;
  const client = await server.connect();
  const info = await readInfo(client, 'slices');
  await client.close();
  const cpu = infoNumber(info, 'longest_slice_cpu_us');
  const wall = infoNumber(info, 'longest_slice_wall_us');
  return {
    longestCpuMs: cpu === undefined ? undefined : cpu / 1000,
    longestWallMs: wall === undefined ? undefined : wall / 1000,
    longest: [...info].filter(([name]) => /^slice_\d+$/.test(name)).map(([, text]) => text),
  };
}
