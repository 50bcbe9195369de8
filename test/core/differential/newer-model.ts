/**
 * What commands of Redis 8.4 must do, said with commands of Redis 7.0: asks a real redis-server for what a condition looks
 * at, decides, and runs the older command there. Only for well-formed commands.
 */
import { xxhash3 } from 'hash-wasm';
import type { RespClient } from '../../support/resp-client.js';

const COMPARISONS = ['ifeq', 'ifne', 'ifdeq', 'ifdne'];

export class NewerModel {
  private readonly client: RespClient;
  private readonly nil: Buffer;

  /** @param client whose replies are bytes. */
  constructor(client: RespClient, protocol: number) {
    this.client = client;
    this.nil = Buffer.from(protocol === 3 ? '_\r\n' : '$-1\r\n');
  }

  /** Runs what the command means and returns the reply that it must have. */
  async run(args: readonly Uint8Array[]): Promise<Buffer> {
    const words = args.map((bytes) => Buffer.from(bytes));
    switch (words[0]!.toString().toUpperCase()) {
      case 'DIGEST':
        return await this.digest(words[1]!);
      case 'DELEX':
        return await this.delex(words);
      case 'MSETEX':
        return await this.msetex(words);
      default:
        return await this.set(words);
    }
  }

  private async ask(...words: (string | Buffer)[]): Promise<Buffer> {
    return (await this.client.command(...words)) as Buffer;
  }

  /** The value of a key; undefined where there is none. */
  private async value(key: Buffer): Promise<Buffer | undefined> {
    const reply = await this.ask('GET', key);
    if (reply.equals(this.nil)) return undefined;
    return reply.subarray(reply.indexOf('\r\n') + 2, reply.length - 2);
  }

  private async digest(key: Buffer): Promise<Buffer> {
    const value = await this.value(key);
    return value === undefined ? this.nil : Buffer.from(`$16\r\n${await xxhash3(value)}\r\n`);
  }

  private async delex(words: Buffer[]): Promise<Buffer> {
    const value = await this.value(words[1]!);
    if (value === undefined || !(await holds(words[2], words[3], value))) return Buffer.from(':0\r\n');
    return await this.ask('DEL', words[1]!);
  }

  private async set(words: Buffer[]): Promise<Buffer> {
    const at = words.findIndex((word, i) => i > 2 && COMPARISONS.includes(word.toString().toLowerCase()));
    const value = await this.value(words[1]!);
    const condition = words[at]!.toString().toLowerCase();
    const met = value === undefined ? condition.endsWith('ne') : await holds(words[at], words[at + 1], value);
    if (met) return await this.ask(...words.slice(0, at), ...words.slice(at + 2));
    const answersValue = words.some((word, i) => i > 2 && i !== at + 1 && word.toString().toUpperCase() === 'GET');
    return answersValue ? await this.ask('GET', words[1]!) : this.nil;
  }

  private async msetex(words: Buffer[]): Promise<Buffer> {
    const end = 2 + Number(words[1]) * 2;
    const options = words.slice(end).map((word) => word.toString().toUpperCase());
    let present = 0;
    for (let i = 2; i < end; i += 2) present += (await this.value(words[i]!)) === undefined ? 0 : 1;
    if (options.includes('NX') && present > 0) return Buffer.from(':0\r\n');
    if (options.includes('XX') && present * 2 < end - 2) return Buffer.from(':0\r\n');
    const lifetime = options.filter((word) => word !== 'NX' && word !== 'XX');
    for (let i = 2; i < end; i += 2) await this.ask('SET', words[i]!, words[i + 1]!, ...lifetime);
    return Buffer.from(':1\r\n');
  }
}

async function holds(condition: Buffer | undefined, compared: Buffer | undefined, value: Buffer): Promise<boolean> {
  switch (condition?.toString().toUpperCase()) {
    case 'IFEQ':
      return value.equals(compared!);
    case 'IFNE':
      return !value.equals(compared!);
    case 'IFDEQ':
      return (await xxhash3(value)) === compared!.toString();
    case 'IFDNE':
      return (await xxhash3(value)) !== compared!.toString();
    default:
      return true;
  }
}
