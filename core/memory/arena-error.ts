/**
 * The errors of `core/memory`. `ARENA_FULL` is an operating error that `Arena.reserve` foresees, `ARENA_MISUSE` a
 * programmer's; `IMAGE_WRONG` says that a page image does not hold what it should.
 */

export type ArenaErrorCode = 'ARENA_FULL' | 'ARENA_MISUSE' | 'IMAGE_WRONG';

export class ArenaError extends Error {
  readonly code: ArenaErrorCode;

  constructor(code: ArenaErrorCode, message: string) {
    super(message);
    this.name = 'ArenaError';
    this.code = code;
  }
}
