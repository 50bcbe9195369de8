/** A connection as one line of CLIENT LIST: Redis' fields in Redis' order. */
import type { Connection } from '../connections/connection-registry.js';

/**
 * @param nowMs engine time.
 * @param argumentBytes of the command that runs on the connection now.
 */
export function describeClient(connection: Connection, nowMs: number, argumentBytes: number): string {
  const { session } = connection;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', connection.address],
    ['laddr', connection.localAddress],
    ['fd', connection.fd],
    ['name', session.name],
    ['age', seconds(connection.createdAtMs)],
    ['idle', seconds(connection.lastInteractionMs)],
    ['flags', flagsOf(connection)],
    ['db', session.database],
    ['sub', 0],
    ['psub', 0],
    ['ssub', 0],
    ['multi', -1],
    ['qbuf', connection.queryBufferBytes],
    ['qbuf-free', connection.queryBufferFreeBytes],
    ['argv-mem', argumentBytes],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', connection.outputPieces],
    ['omem', connection.outputBytes],
    ['tot-mem', connection.memoryBytes],
    ['events', 'r'],
    ['cmd', session.lastCommand === '' ? 'NULL' : session.lastCommand],
    ['user', session.user],
    ['redir', -1],
    ['resp', session.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function flagsOf(connection: Connection): string {
  let flags = '';
  if (connection.session.monitors) flags += 'O';
  if (connection.session.task?.resting === true || connection.paused) flags += 'b';
  if (connection.closing) flags += 'c';
  if (connection.unixSocket) flags += 'U';
  if (connection.noEvict) flags += 'e';
  if (connection.session.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}
