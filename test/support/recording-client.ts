/**
 * A client of the model of loss: it writes random commands to keys of its own and records which were answered. Its
 * commands are executed in order and the log keeps a prefix of them, so after a crash its keys must stand exactly as
 * after one of the commands between the last answered one and the last one sent.
 */
import type { DumpedKey } from './dataset-dump.js';
import { ConnectionLost, type RespClient } from './resp-client.js';
import type { SeededRandom } from './seeded-random.js';

interface Value {
  text: string;
  /** Seconds of the last EXPIRE, 0 for none; every EXPIRE uses another number. */
  ttlSeconds: number;
}

type State = Map<string, Value>;

/** How far a deadline may lie from where its EXPIRE put it: less than half the distance between two of them. */
const DEADLINE_TOLERANCE_MS = 400_000;
const TTL_STEP_SECONDS = 1000;
const TTL_STEPS = 5000;
const KEYS = 12;

/** What a client saw that must not be. */
export class LossFound extends Error {
  readonly code = 'LOSS_FOUND';
}

/** Applies a command to the state as Redis would; returns the reply. */
function applyCommand(state: State, args: readonly string[]): unknown {
  const [name, key = '', argument = ''] = args;
  const found = state.get(key);
  switch (name) {
    case 'SET':
      state.set(key, { text: argument, ttlSeconds: 0 });
      return 'OK';
    case 'INCR': {
      const next = Number(found?.text ?? '0') + 1;
      state.set(key, { text: String(next), ttlSeconds: found?.ttlSeconds ?? 0 });
      return next;
    }
    case 'APPEND': {
      const text = (found?.text ?? '') + argument;
      state.set(key, { text, ttlSeconds: found?.ttlSeconds ?? 0 });
      return text.length;
    }
    case 'EXPIRE':
      if (found === undefined) return 0;
      state.set(key, { text: found.text, ttlSeconds: Number(argument) });
      return 1;
    case 'DEL':
      return state.delete(key) ? 1 : 0;
    case 'RENAME':
      if (found === undefined) return 'ERR no such key';
      state.delete(key);
      state.set(argument, found);
      return 'OK';
    case 'MSET':
      for (let i = 1; i < args.length; i += 2) state.set(args[i]!, { text: args[i + 1]!, ttlSeconds: 0 });
      return 'OK';
    case 'COPY':
      if (key === argument) return 'ERR source and destination objects are the same';
      if (found === undefined) return 0;
      state.set(argument, found);
      return 1;
    default:
      throw new Error(`the model does not know ${String(name)}`);
  }
}

export class RecordingClient {
  /** Commands answered and sent, in the life of this client. */
  answered = 0;
  sent = 0;
  /** Tokens appended to the shared list, and increments of the shared counter: answered and sent. */
  readonly tokensAnswered = new Set<string>();
  readonly tokensSent = new Set<string>();
  incrementsAnswered = 0;
  incrementsSent = 0;
  private state: State = new Map();
  private unanswered: string[][] = [];
  private serial = 0;
  private ttls = 0;

  constructor(
    readonly name: string,
    readonly sharedKeys: { readonly counter: string; readonly list: string },
    private readonly random: SeededRandom,
    private readonly onAnswer: () => void,
  ) {}

  /** Writes until the connection is lost. @throws LossFound on a reply that the model does not allow. */
  async run(client: RespClient): Promise<void> {
    try {
      for (;;) {
        const depth = this.random.chance(0.3) ? 1 : this.random.between(2, 16);
        const commands = Array.from({ length: depth }, () => this.nextCommand());
        await Promise.all(commands.map((command) => this.send(client, command)));
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }

  /**
   * Compares the keys of this client with the states that are allowed, and goes on from the one that it found.
   * @throws LossFound
   */
  verify(keys: readonly DumpedKey[], now: number): void {
    const candidate: State = new Map(this.state);
    let difference = this.difference(candidate, keys, now);
    const first = difference;
    let survived = 0;
    while (difference !== '' && survived < this.unanswered.length) {
      applyCommand(candidate, this.unanswered[survived++]!);
      difference = this.difference(candidate, keys, now);
    }
    if (difference !== '') {
      throw new LossFound(
        `${this.name}: after ${this.answered} answered and ${this.unanswered.length} unanswered commands its keys match no ` +
          `allowed state. Against the answered ones: ${first}. Unanswered: ${JSON.stringify(this.unanswered)}`,
      );
    }
    this.state = candidate;
    this.unanswered = [];
  }

  private async send(client: RespClient, args: string[]): Promise<void> {
    const own = args[1]!.startsWith(this.name);
    this.sent++;
    if (own) this.unanswered.push(args);
    else if (args[0] === 'INCR') this.incrementsSent++;
    else this.tokensSent.add(args[2]!);
    const reply = await client.command(...args);
    this.answered++;
    const text = reply instanceof Error ? reply.message : reply;
    if (own) {
      const expected = applyCommand(this.state, args);
      this.unanswered.shift();
      if (text !== expected) {
        throw new LossFound(`${args.join(' ')} was answered with ${String(text)} instead of ${String(expected)}`);
      }
    } else if (args[0] === 'INCR') {
      this.incrementsAnswered++;
    } else {
      this.tokensAnswered.add(args[2]!);
    }
    this.onAnswer();
  }

  private nextCommand(): string[] {
    const { random } = this;
    const key = () => `${this.name}:s${random.below(KEYS)}`;
    const counter = () => `${this.name}:n${random.below(KEYS)}`;
    const value = () => `${this.serial++}-${'x'.repeat(random.chance(0.02) ? random.below(20_000) : random.below(40))}`;
    switch (random.below(11)) {
      case 0:
        return ['INCR', counter()];
      case 1:
        return ['APPEND', key(), `,${this.serial++}`];
      case 2:
        return ['EXPIRE', random.chance(0.5) ? key() : counter(), this.nextTtl()];
      case 3:
        return ['DEL', random.chance(0.5) ? key() : counter()];
      case 4:
        return ['RENAME', key(), key()];
      case 5:
        return ['MSET', key(), value(), key(), value(), counter(), String(random.below(1000))];
      case 6:
        return ['INCR', this.sharedKeys.counter];
      case 7:
        return ['APPEND', this.sharedKeys.list, `${this.name}.${this.serial++},`];
      case 8:
        return ['COPY', key(), key(), 'REPLACE'];
      default:
        return ['SET', key(), value()];
    }
  }

  private nextTtl(): string {
    return String(100_000 + TTL_STEP_SECONDS * (this.ttls++ % TTL_STEPS));
  }

  /** How the keys differ from the state; '' when they do not. */
  private difference(state: State, keys: readonly DumpedKey[], now: number): string {
    if (state.size !== keys.length) return `${keys.length} keys instead of ${state.size}`;
    for (const { key, value, deadlineMs } of keys) {
      const expected = state.get(key);
      if (expected === undefined) return `${key} is there and must not be`;
      if (expected.text !== value) return `${key} is ${value.slice(0, 80)} instead of ${expected.text.slice(0, 80)}`;
      const deadline = expected.ttlSeconds === 0 ? -1 : now + expected.ttlSeconds * 1000;
      if (Math.sign(deadline) !== Math.sign(deadlineMs) || Math.abs(deadline - deadlineMs) > DEADLINE_TOLERANCE_MS) {
        return `${key} has the deadline ${deadlineMs} instead of about ${deadline}`;
      }
    }
    return '';
  }
}
