/** Recording clients that write until the server is gone, and the comparison of what it holds after its next start. */
import { type DumpedKey, readDataset } from './dataset-dump.js';
import { LossFound, RecordingClient } from './recording-client.js';
import type { SeededRandom } from './seeded-random.js';
import type { ServerProcess } from './server-process.js';

export class RecordedLoad {
  readonly clients: readonly RecordingClient[];
  private readonly shared = { counter: 'shared:counter', list: 'shared:list' };

  /** @param onAnswer called at each answered write. */
  constructor(random: SeededRandom, count: number, onAnswer: () => void = () => {}) {
    this.clients = Array.from(
      { length: count },
      (_, i) => new RecordingClient(`client${i}`, this.shared, random.split(), onAnswer),
    );
  }

  /** Writes answered so far. */
  get answered(): number {
    return this.total((client) => client.answered);
  }

  /** Writes on one connection for each client until it is lost. @throws LossFound on a wrong reply */
  async run(server: ServerProcess): Promise<void> {
    const connections = await Promise.all(this.clients.map(() => server.connect()));
    await Promise.all(this.clients.map((client, i) => client.run(connections[i]!)));
  }

  /**
   * Compares everything: nothing answered is missing, nothing unsent is there, the rest may be either.
   * @throws LossFound
   */
  async compare(server: ServerProcess): Promise<void> {
    const connection = await server.connect('buffers');
    const keys = await readDataset(connection);
    await connection.close();
    const now = Date.now();
    const byOwner = new Map<string, DumpedKey[]>();
    for (const each of keys) {
      const owner = each.key.slice(0, each.key.indexOf(':'));
      const owned = byOwner.get(owner);
      if (owned === undefined) byOwner.set(owner, [each]);
      else owned.push(each);
    }
    for (const each of this.clients) each.verify(byOwner.get(each.name) ?? [], now);
    this.compareShared(byOwner.get('shared') ?? []);
    for (const owner of byOwner.keys()) {
      if (owner !== 'shared' && !this.clients.some((each) => each.name === owner)) {
        throw new LossFound(`there are keys of ${owner}, which nobody wrote`);
      }
    }
  }

  private total(figure: (client: RecordingClient) => number): number {
    return this.clients.reduce((sum, client) => sum + figure(client), 0);
  }

  /** What all clients write to: their own order is not known, but every answered write must be there once. */
  private compareShared(keys: readonly DumpedKey[]): void {
    const value = (key: string) => keys.find((each) => each.key === key)?.value ?? '';
    const counter = Number(value(this.shared.counter));
    const low = this.total((client) => client.incrementsAnswered);
    const high = this.total((client) => client.incrementsSent);
    if (!(counter >= low && counter <= high)) {
      throw new LossFound(`the shared counter is ${counter}: ${low} increments were answered and ${high} sent`);
    }
    const tokens = value(this.shared.list).split(',').slice(0, -1);
    const present = new Set(tokens.map((token) => `${token},`));
    if (present.size !== tokens.length) throw new LossFound('an append to the shared list was executed twice');
    const sent = new Set(this.clients.flatMap((client) => [...client.tokensSent]));
    for (const token of present) if (!sent.has(token)) throw new LossFound(`nobody appended ${token}`);
    for (const client of this.clients) {
      for (const token of client.tokensAnswered) {
        if (!present.has(token)) throw new LossFound(`the answered append of ${token} is missing`);
      }
    }
  }
}
