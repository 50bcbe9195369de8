/** DEBUG PROTOCOL: one reply of each kind that RESP has, byte for byte those of Redis; for the tests of clients. */
import type { ReplyWriter } from '../../core/reply-writer.js';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const BIG_NUMBER = '1234567999999999999999999999999999999';
const ATTRIBUTE = bytesOf('|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n');
const BIG_NUMBER_REPLY = bytesOf(`(${BIG_NUMBER}\r\n`);

const REPLIES: ReadonlyMap<string, (reply: ReplyWriter) => void> = new Map([
  ['string', (reply) => reply.bulkLatin1('Hello World')],
  ['integer', (reply) => reply.integer(12345)],
  ['double', (reply) => reply.doubleText('3.141')],
  [
    'bignum',
    (reply) => {
      if (reply.protocol === 3) reply.constant(BIG_NUMBER_REPLY);
      else reply.bulkLatin1(BIG_NUMBER);
    },
  ],
  ['null', (reply) => reply.nil()],
  [
    'array',
    (reply) => {
      reply.array(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
    },
  ],
  [
    'set',
    (reply) => {
      reply.set(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
    },
  ],
  [
    'map',
    (reply) => {
      reply.map(3);
      for (let i = 0; i < 3; i++) {
        reply.integer(i);
        reply.boolean(i === 1);
      }
    },
  ],
  [
    'attrib',
    (reply) => {
      if (reply.protocol === 3) reply.constant(ATTRIBUTE);
      reply.bulkLatin1('Some real reply following the attribute');
    },
  ],
  [
    'push',
    (reply) => {
      if (reply.protocol !== 3) {
        reply.error('ERR RESP2 is not supported by this command');
        return;
      }
      reply.push(2);
      reply.bulkLatin1('server-cpu-usage');
      reply.integer(42);
      reply.bulkLatin1('Some real reply following the push reply');
    },
  ],
  ['verbatim', (reply) => reply.verbatim('txt', 'This is a verbatim\nstring')],
  ['true', (reply) => reply.boolean(true)],
  ['false', (reply) => reply.boolean(false)],
] as [string, (reply: ReplyWriter) => void][]);

/** Replies as a type asks; an unknown one gets the list of them. */
export function replyOfType(reply: ReplyWriter, type: string): void {
  const write = REPLIES.get(type.toLowerCase());
  if (write !== undefined) write(reply);
  else {
    const known = [...REPLIES.keys()].join('|');
    reply.error(`ERR Wrong protocol type name. Please use one of the following: ${known}`);
  }
}
