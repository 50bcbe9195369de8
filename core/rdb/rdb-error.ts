/** What can be wrong with an RDB file or a DUMP payload, as a typed error that names the place. */

export type RdbErrorCode =
  /** It does not begin as an RDB file does. */
  | 'RDB_SIGNATURE'
  /** A version that this reader does not know. */
  | 'RDB_VERSION'
  /** A data type, or a part of the file, that is known by name and not supported. */
  | 'RDB_UNSUPPORTED'
  /** Bytes that no writer makes. */
  | 'RDB_FORMAT'
  | 'RDB_CHECKSUM'
  /** The bytes end before the file does. */
  | 'RDB_TRUNCATED';

export class RdbError extends Error {
  readonly code: RdbErrorCode;
  /** Byte of the file where the item begins that is wrong. */
  readonly offset: number;

  /** @param what lower case, without the place. */
  constructor(code: RdbErrorCode, what: string, offset: number) {
    super(`RDB, at byte ${offset}: ${what}`);
    this.code = code;
    this.offset = offset;
  }
}
