/** Why a page image was not made, or cannot be used. */

/**
 * - `IMAGE_FOREIGN`: not a page image, or of a layout that this version does not read.
 * - `IMAGE_DAMAGED`: a checksum or a length is wrong.
 * - `IMAGE_WRONG`: it is whole, and not what was counted at the cut. A bug, or bad memory.
 * - `IMAGE_NO_SPACE`: the disk has no room for it.
 * - `IMAGE_NO_MEMORY`: there was no memory for copies: the view broke.
 * - `IMAGE_CANCELLED`: it was given up.
 * - `IMAGE_FAILED`: writing failed, or the thread died.
 */
export type ImageErrorCode =
  | 'IMAGE_FOREIGN'
  | 'IMAGE_DAMAGED'
  | 'IMAGE_WRONG'
  | 'IMAGE_NO_SPACE'
  | 'IMAGE_NO_MEMORY'
  | 'IMAGE_CANCELLED'
  | 'IMAGE_FAILED';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
