/**
 * The only road from snapshots to files: the log's file layer with sync sites of its own, and copying. Tests put a file
 * system under it that forgets what was not synced.
 */
import { constants, copyFileSync, statSync } from 'node:fs';
import { type FileLayer, nodeFiles } from '../../log/local/file-layer.js';

/** Which promise a sync keeps. */
export const SNAPSHOT_SYNC_SITES = [
  /** The directory of snapshots has its name durably. */
  'directory-create',
  /** An RDB file is whole before a manifest names it. */
  'snapshot-write',
  /** An RDB file has its name durably before a manifest names it. */
  'snapshot-enter',
  /** A manifest, or the record of copies, is whole before it has its name. */
  'manifest-write',
  /** A snapshot that was published stays, so that the log in front of it may go. */
  'manifest-enter',
  /** A manifest is gone before its file is: none is ever left without it. */
  'retire',
  /** A copy for the operator is whole before it takes the place of the one before. */
  'copy-write',
  /** The record of copies is there before the copy is: a start must not take our own file for a foreign one. */
  'copy-enter',
] as const;
export type SnapshotSyncSite = (typeof SNAPSHOT_SYNC_SITES)[number];

/** What tells a file that nobody has touched from one that was replaced or written to. */
export interface FileIdentity {
  readonly bytes: number;
  /** Device, inode, and times of the last change of content and of status: none can be set back by ordinary means. */
  readonly text: string;
}

export interface SnapshotFiles extends FileLayer<SnapshotSyncSite> {
  /** Makes `to`, which must not exist, with the content of `from`; sharing its blocks where the file system can. */
  copy(from: string, to: string): void;
  identity(path: string): FileIdentity;
}

export const nodeSnapshotFiles: SnapshotFiles = {
  ...nodeFiles,
  copy: (from, to) => copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL),
  identity(path) {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return { bytes: Number(size), text: `${dev}:${ino}:${mtimeNs}:${ctimeNs}` };
  },
};
