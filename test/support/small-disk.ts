/** A disk of a few megabytes in memory, for tests about full disks; Linux, where mounting is permitted. */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

export class SmallDisk {
  private readonly parent = makeTemporaryDirectory('disk');
  readonly directory = join(this.parent, 'tmpfs');
  private readonly filler = join(this.directory, 'filler');

  /** @throws when mounting fails */
  constructor(bytes: number) {
    mkdirSync(this.directory);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', this.directory]);
    if (mounted.status !== 0) throw new Error(`cannot mount a tmpfs: ${String(mounted.stderr)}`);
    process.once('exit', this.unmountAtExit);
  }

  /** Takes all free room, to the last byte. */
  fill(): void {
    const fd = openSync(this.filler, 'a');
    try {
      for (let size = 1 << 20; size > 0; ) {
        try {
          writeSync(fd, Buffer.alloc(size));
        } catch (error) {
          if ((error as { code?: string }).code !== 'ENOSPC') throw error;
          size >>= 1;
        }
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Gives back what fill() took. */
  free(): void {
    rmSync(this.filler, { force: true });
  }

  /** Nothing may have a file open on it any more. */
  dispose(): void {
    process.off('exit', this.unmountAtExit);
    this.unmount();
    removeTemporaryDirectory(this.parent);
  }

  private readonly unmountAtExit = (): void => this.unmount();

  private unmount(): void {
    spawnSync('umount', ['--lazy', this.directory]);
  }
}
