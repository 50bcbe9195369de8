/** The errors of `core/memory`. `ARENA_FULL` is an operating error that `Arena.reserve` foresees; the other is a programmer's. */

export type ArenaErrorCode = 'ARENA_FULL' | 'ARENA_MISUSE';

export class ArenaError extends Error {
  readonly code: ArenaErrorCode;

  constructor(code: ArenaErrorCode, message: string) {
    super(message);
    this.name = 'ArenaError';
    this.code = code;
  }
}
