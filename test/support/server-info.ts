/** Reads a server's INFO. */
import type { RespClient } from './resp-client.js';

export type InfoFields = ReadonlyMap<string, string>;

/**
 * The fields of INFO's sections, by name.
 * @param sections as INFO takes them; none: the default ones.
 */
export async function readInfo(client: RespClient, ...sections: string[]): Promise<InfoFields> {
  const text = await client.command('INFO', ...sections);
  if (typeof text !== 'string') throw new Error(`INFO replied ${String(text)}`);
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** One field as a number; undefined where the server does not have it. */
export function infoNumber(fields: InfoFields, name: string): number | undefined {
  const text = fields.get(name);
  return text === undefined || text === '' ? undefined : Number(text);
}

/** How often a command was called, from INFO commandstats. */
export function commandCalls(fields: InfoFields, command: string): number {
  const match = /^calls=(\d+)/.exec(fields.get(`cmdstat_${command}`) ?? 'calls=0');
  return Number(match?.[1] ?? 0);
}
