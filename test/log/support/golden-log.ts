/**
 * How the golden log in test/fixtures/log-format-1 was made. The fixture is never made anew: it shows that a log of the
 * first format stays readable, byte for byte. A later format gets a fixture of its own.
 *
 * It holds three epochs and four segments; entries of several commands in several databases, with origins and an origin
 * reset; a large entry in parts; parts whose end never came, since the writer failed between them; and a seal.
 */
import { writeOriginItem } from '../../../log/entry.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import { LEADER, writeEntry } from './log-driver.js';

/** Effects as RESP. */
export function effects(...commands: readonly (readonly string[])[]): string {
  return commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)
    .join('');
}

const COMMANDS: readonly string[] = [
  effects(['SET', 'greeting', 'hello']),
  effects(['APPEND', 'greeting', ' world']),
  effects(['SET', 'counter', '10'], ['PEXPIREAT', 'counter', '4102444800000']),
  effects(['SELECT', '3'], ['SET', 'other', 'database']),
  effects(['INCRBY', 'counter', '32']),
  effects(['SET', 'short', 'lived', 'PXAT', '1700000000500']),
  effects(['UNLINK', 'short']),
  effects(['SET', 'a', '1'], ['SET', 'b', '2'], ['RENAME', 'a', 'c']),
  effects(['SELECT', '9'], ['SET', 'x', 'y'], ['FLUSHDB']),
  effects(['SWAPDB', '3', '4']),
];

/** The large value: 5,000 bytes that repeat every 251. */
export const LARGE = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(32 + ((i % 251) % 95))).join('');

const SIZES = { stepBytes: 8192, batchBytesMax: 1024, batchCount: 2, segmentBytesMax: 500, lowSpaceBytes: 0 } as const;

export async function writeGoldenLog(directory: string): Promise<void> {
  await session(directory, '', async (log, writer) => {
    submit(writer, 1, COMMANDS.slice(0, 5), 1);
    log.pump(0);
    writer.submitLarge(Buffer.from(effects(['SET', 'large', LARGE]), 'latin1'), 1, 6, LEADER.timeMs + 60);
    log.pump(0);
    submit(writer, 7, COMMANDS.slice(5, 8), 2);
    log.pump(0);
    await writer.flushAndSeal();
  });
  // Fails at the fourth commit: the leader record and three parts are there, their end is not.
  await session(directory, 'eioSyncAt=4', async (log, writer) => {
    writer.submitLarge(Buffer.from(effects(['SET', 'lost', LARGE]), 'latin1'), 0, 10, LEADER.timeMs + 90);
    try {
      log.pump(0);
    } catch {
      // The fault.
    }
  });
  await session(directory, '', async (log, writer) => {
    submit(writer, 10, COMMANDS.slice(8), 1);
    log.pump(0);
    await writer.flushAndSeal();
  });
}

async function session(
  directory: string,
  faults: string,
  work: (log: LocalLog, writer: LocalLogWriter) => Promise<void>,
): Promise<void> {
  const log = new LocalLog({ directory, background: 'manual', faults, ...SIZES });
  const tail = await log.open();
  const writer = await log.acquire(tail.position, { ...LEADER, timeMs: Math.max(LEADER.timeMs, tail.lastTimeMs) });
  await work(log, writer);
  await log.close();
}

function submit(writer: LocalLogWriter, first: number, texts: readonly string[], origin: number): void {
  const batch = writer.takeBatch()!;
  let at = writeOriginItem(batch.bytes, batch.bodyStart, {
    number: origin,
    address: `127.0.0.1:${50_000 + origin}`,
    user: 'default',
    clientName: origin === 1 ? 'importer' : '',
    connectedAtMs: LEADER.timeMs - 1000 * origin,
  });
  for (const [i, text] of texts.entries()) at = writeEntry(batch.bytes, at, text, i === 1 ? 0 : origin);
  writer.submit(batch, at, first, texts.length, LEADER.timeMs + first * 10, 0);
}
