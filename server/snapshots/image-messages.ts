/** What the server thread and the image thread say to each other. */
import type { KeyspaceCounters } from '../../core/memory/readable-dataset.js';
import type { ViewShare } from '../../core/memory/view-share.js';
import type { ImageErrorCode } from './image-error.js';
import type { ImageHeader } from './image-format.js';

/** Words of `ImageThreadData.words`. */
export const ImageWord = {
  /** Pages read so far, and pages that are to be read. */
  pages: 0,
  pagesTotal: 1,
  count: 2,
} as const;

export interface ImageThreadData {
  readonly path: string;
  readonly words: Int32Array;
}

export type ImageOrder =
  | {
      readonly type: 'read';
      readonly share: ViewShare;
      readonly header: ImageHeader;
      readonly keyspaces: readonly KeyspaceCounters[];
      /** Copies that may wait before the thread hurries. */
      readonly waitingMax: number;
    }
  | { readonly type: 'seal'; readonly epoch: number; readonly idx: number; readonly runningChecksum: string }
  | { readonly type: 'stop' };

export type ImageThreadMessage =
  | { readonly type: 'ready' }
  /** The view is read: it may be closed. */
  | { readonly type: 'read'; readonly pages: number; readonly drained: number; readonly contested: number }
  | { readonly type: 'done'; readonly bytes: number }
  | { readonly type: 'failed'; readonly code: ImageErrorCode; readonly message: string };
