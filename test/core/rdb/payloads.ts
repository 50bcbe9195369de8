/** DUMP payloads for tests: of a string, and of any bytes with a footer that says they are good. */
import { Crc64 } from '../../../core/rdb/crc64.js';
import { DumpPayloadWriter } from '../../../core/rdb/dump-payload.js';

export function dumpPayload(value: Uint8Array): Uint8Array {
  const writer = new DumpPayloadWriter();
  const chunks: Buffer[] = [];
  const length = writer.prepare({
    length: value.length,
    copy: (from, count, target, at) => target.set(value.subarray(from, from + count), at),
  });
  writer.write((bytes, start, end) => chunks.push(Buffer.from(bytes.slice(start, end))));
  const payload = Buffer.concat(chunks);
  if (payload.length !== length) throw new Error(`${length} bytes announced, ${payload.length} written`);
  return new Uint8Array(payload);
}

/** @param body type byte and value, whatever they are. */
export function foreignPayload(body: readonly number[], version = 10): Uint8Array {
  const payload = Buffer.alloc(body.length + 10);
  payload.set(body);
  payload.writeUInt16LE(version, body.length);
  const crc = new Crc64();
  crc.update(payload, 0, body.length + 2);
  payload.writeInt32LE(crc.low, body.length + 2);
  payload.writeInt32LE(crc.high, body.length + 6);
  return new Uint8Array(payload);
}
