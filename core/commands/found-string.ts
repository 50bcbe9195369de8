/** The string that a lookup found, as the encoder of RDB payloads reads it: in pieces. */
import type { Found, ValueAccess } from '../database.js';
import type { PiecedString } from '../rdb/string-encoder.js';

export class FoundString implements PiecedString {
  length = 0;
  private values: ValueAccess | undefined = undefined;
  private found: Found | undefined = undefined;

  /** This object, reading the key that was found; good until the next change of the dataset. */
  of(values: ValueAccess, found: Found): this {
    this.values = values;
    this.found = found;
    this.length = values.valueLength(found);
    return this;
  }

  copy(from: number, count: number, target: Uint8Array, at: number): void {
    this.values!.copyValue(this.found!, from, count, target, at);
  }
}
