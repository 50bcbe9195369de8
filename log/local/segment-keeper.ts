/**
 * The files behind the commits: enters segments, prepares the spare and the zeroed room ahead, rolls, and writes the
 * mark. The log thread's half of the work; `log-keeper.ts` says when. What changes the end of the log is done under the
 * commit token; zeroing is not, since it touches only what lies behind the limit that commits keep to.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FRAME_ALIGNMENT, FrameKind } from '../frame.js';
import { LogError } from '../log-error.js';
import { alignedBytes } from './aligned-memory.js';
import { type CommitState, Num, Word } from './commit-state.js';
import { type Committer, frameBuffer } from './committer.js';
import { type FileLayer, isNoSpace, type SyncSite, systemErrorCode, writeDurably } from './file-layer.js';
import type { LocalLogEvent, LocalLogSizes } from './local-log-options.js';
import { type Mark, replaceMark } from './mark.js';
import {
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SPARE_NAME,
  TEMPORARY_NAME,
} from './segment-header.js';
import { readSegmentHeader } from './segment-list.js';
import { segmentName } from './segment-name.js';

/** What all segments of one log have in common. */
export type LogIdentity = Pick<SegmentHeader, 'logId' | 'timeline' | 'parentTimeline' | 'forkSequence'>;

interface Spare {
  readonly header: SegmentHeader;
  readonly limit: number;
}

/** A spare that is being prepared, a slice at a time. */
interface Preparation {
  readonly fd: number;
  readonly header: SegmentHeader;
  zeroed: number;
}

export class SegmentKeeper {
  private readonly files: FileLayer;
  private readonly state: CommitState;
  private readonly committer: Committer;
  private readonly directory: string;
  private readonly identity: LogIdentity;
  private readonly sizes: LocalLogSizes;
  private readonly onEvent: (event: LocalLogEvent) => void;
  private readonly zeros: Uint8Array;
  /** A segment's header on its way to the disk. */
  private readonly sector = alignedBytes(SEGMENT_HEADER_BYTES);
  private readonly control = frameBuffer(0);
  private spare: Spare | undefined = undefined;
  private preparation: Preparation | undefined = undefined;
  private spaceLow = false;

  constructor(
    files: FileLayer,
    state: CommitState,
    committer: Committer,
    directory: string,
    identity: LogIdentity,
    sizes: LocalLogSizes,
    onEvent: (event: LocalLogEvent) => void,
  ) {
    this.files = files;
    this.state = state;
    this.committer = committer;
    this.directory = directory;
    this.identity = identity;
    this.sizes = sizes;
    this.onEvent = onEvent;
    this.zeros = alignedBytes(sizes.sliceBytes);
  }

  /** Whether the next segment lies ready. */
  get spareReady(): boolean {
    return this.spare !== undefined;
  }

  /** Looks at what an earlier process left: takes a spare for segment `number`, removes everything unfinished. */
  adoptSpare(number: number): void {
    const path = join(this.directory, SPARE_NAME);
    const temporary = join(this.directory, TEMPORARY_NAME);
    if (this.files.exists(temporary)) this.files.unlink(temporary);
    if (!this.files.exists(path)) return;
    try {
      const { header, size } = readSegmentHeader(this.files, path);
      const { logId, timeline } = this.identity;
      if (header.number === number && header.logId === logId && header.timeline === timeline) {
        if (size >= SEGMENT_HEADER_BYTES + this.sizes.stepBytesMin / 2) {
          this.spare = { header, limit: size - (size % FRAME_ALIGNMENT) };
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
    this.files.unlink(path);
  }

  /**
   * Begins segment `number`: the spare if there is one, else a new file, smaller where the disk has no room for a whole
   * step. False where there is no room at all. The caller holds the token.
   */
  enter(number: number): boolean {
    if (this.spare === undefined && !this.createNow(number)) return false;
    const { header, limit } = this.spare!;
    const path = join(this.directory, segmentName(number));
    if (!this.nameSegment(path)) return false;
    this.files.syncDirectory(this.directory, 'segment-enter');
    this.spare = undefined;
    const { words, numbers } = this.state;
    words[Word.fd] = this.files.open(path, 'durable');
    words[Word.salt] = header.salt | 0;
    numbers[Num.segmentBodies] = 0;
    // In this order: whoever reads the number and then the offset without the token sees too little, never too much.
    Atomics.store(words, Word.offsetSectors, SEGMENT_HEADER_BYTES / FRAME_ALIGNMENT);
    Atomics.store(words, Word.limitSectors, limit / FRAME_ALIGNMENT);
    numbers[Num.segment] = number;
    return true;
  }

  /**
   * Ends the open segment: end frame, and everything behind it is cut off, so that each byte of a closed segment is under
   * a checksum. Returns the mark that names the end frame. The caller holds the token and enters the next segment.
   */
  endSegment(): Mark {
    const { words, numbers } = this.state;
    this.committer.commitControl(this.control, 0, FrameKind.end, 0);
    const fd = words[Word.fd]!;
    const size = this.state.offset;
    this.files.truncate(fd, size);
    this.files.fsync(fd, 'roll');
    const mark = this.markHere();
    this.files.close(fd);
    words[Word.fd] = -1;
    Atomics.store(words, Word.limitSectors, Atomics.load(words, Word.offsetSectors));
    numbers[Num.closedSegmentsBytes] = numbers[Num.closedSegmentsBytes]! + size;
    return mark;
  }

  /** A mark that names the last frame. The caller holds the token. */
  markHere(): Mark {
    const { words, numbers } = this.state;
    return {
      logId: this.identity.logId,
      epoch: numbers[Num.epoch]!,
      idx: numbers[Num.idx]!,
      runningChecksum: this.state.running.slice(),
      segment: numbers[Num.segment]!,
      offset: this.state.offset,
      nextSequence: numbers[Num.nextSequence]!,
      timeMs: numbers[Num.lastTimeMs]!,
      featureLevel: words[Word.featureLevel]!,
    };
  }

  /** Replaces the mark file. A full disk is told and not fatal: the older mark stays. */
  writeMark(mark: Mark): void {
    try {
      replaceMark(this.files, this.directory, mark);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.onEvent({ type: 'mark-failed', message: `the mark was not written: ${String(error)}` });
    }
  }

  /**
   * Zeroes one more slice behind the limit of the open segment and counts it in. False where the disk is full. The caller
   * holds the token while `spaceIsLow`: a file system that allocates late would let a commit meanwhile fail for the zeros.
   */
  extend(): boolean {
    const { words } = this.state;
    const limit = Atomics.load(words, Word.limitSectors) * FRAME_ALIGNMENT;
    const fd = words[Word.fd]!;
    if (!this.zeroSlice(fd, limit, this.sizes.sliceBytes, 'step')) {
      // Zeros that found no room would make the next commit's sync fail in their place.
      this.files.truncate(fd, limit);
      return false;
    }
    Atomics.add(words, Word.limitSectors, this.sizes.sliceBytes / FRAME_ALIGNMENT);
    return true;
  }

  /** Does one more slice of the next spare. False where the disk is full. */
  prepareSpare(number: number): boolean {
    try {
      this.preparation ??= this.beginSpare(number);
      const preparation = this.preparation;
      const rest = this.sizes.stepBytes - preparation.zeroed;
      const slice = Math.min(this.sizes.sliceBytes, rest);
      if (!this.zeroSlice(preparation.fd, preparation.zeroed, slice, 'segment-create')) {
        this.dropPreparation();
        return false;
      }
      preparation.zeroed += slice;
      if (preparation.zeroed < this.sizes.stepBytes) return true;
      this.finishSpare(preparation);
      this.checkFreeSpace();
      return true;
    } catch (error) {
      this.dropPreparation();
      if (isNoSpace(error)) return false;
      throw error;
    }
  }

  /** Closes what is open. The log ends as it is. */
  close(): void {
    this.dropPreparation();
    const fd = this.state.words[Word.fd]!;
    if (fd >= 0) this.files.close(fd);
    this.state.words[Word.fd] = -1;
  }

  /** Whether the disk was nearly full when that was last looked at. */
  get spaceIsLow(): boolean {
    return this.spaceLow;
  }

  /** Tells once when the disk is nearly full, and again after it was not. */
  checkFreeSpace(): void {
    const freeBytes = this.files.freeBytes(this.directory);
    const low = freeBytes < this.sizes.lowSpaceBytes;
    if (low && !this.spaceLow) this.onEvent({ type: 'space-low', freeBytes });
    this.spaceLow = low;
  }

  /** Gives the spare its name, which must be free. False where the directory has no room for it. */
  private nameSegment(path: string): boolean {
    try {
      this.files.renameExclusive(join(this.directory, SPARE_NAME), path);
      return true;
    } catch (cause) {
      if (isNoSpace(cause)) return false;
      if (systemErrorCode(cause) !== 'EEXIST') throw cause;
      Atomics.store(this.state.words, Word.failed, 1);
      throw new LogError('LOG_FENCED', `${path} exists already: another process writes to this log`, {
        file: path,
        cause,
      });
    }
  }

  /** A spare in one go, as large as the disk allows; false where not even the smallest has room. */
  private createNow(number: number): boolean {
    this.dropPreparation();
    for (const bytes of [this.sizes.stepBytes, this.sizes.stepBytesMin]) {
      try {
        const preparation = this.beginSpare(number);
        this.preparation = preparation;
        while (preparation.zeroed < bytes) {
          const slice = Math.min(this.sizes.sliceBytes, bytes - preparation.zeroed);
          writeDurably(this.files, preparation.fd, this.zeros, 0, slice, preparation.zeroed, 'segment-create');
          preparation.zeroed += slice;
        }
        this.finishSpare(preparation);
        return true;
      } catch (error) {
        this.dropPreparation();
        if (!isNoSpace(error)) throw error;
      }
    }
    return false;
  }

  private beginSpare(number: number): Preparation {
    const path = join(this.directory, TEMPORARY_NAME);
    if (this.files.exists(path)) this.files.unlink(path);
    const header = { ...this.identity, number, salt: newSalt() };
    this.files.close(this.files.open(path, 'create'));
    const fd = this.files.open(path, 'durable');
    const preparation = { fd, header, zeroed: SEGMENT_HEADER_BYTES };
    this.preparation = preparation;
    this.sector.set(encodeSegmentHeader(header));
    writeDurably(this.files, fd, this.sector, 0, SEGMENT_HEADER_BYTES, 0, 'segment-create');
    return preparation;
  }

  private finishSpare(preparation: Preparation): void {
    const limit = preparation.zeroed;
    this.files.close(preparation.fd);
    this.preparation = undefined;
    this.files.rename(join(this.directory, TEMPORARY_NAME), join(this.directory, SPARE_NAME));
    this.spare = { header: preparation.header, limit };
  }

  private dropPreparation(): void {
    if (this.preparation === undefined) return;
    this.files.close(this.preparation.fd);
    this.preparation = undefined;
    try {
      this.files.unlink(join(this.directory, TEMPORARY_NAME));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }

  /** Real zeros, on the disk at once: a hole, or zeros in the page cache, would move a full disk into a commit. */
  private zeroSlice(fd: number, offset: number, bytes: number, site: SyncSite): boolean {
    try {
      writeDurably(this.files, fd, this.zeros, 0, bytes, offset, site);
      return true;
    } catch (error) {
      if (isNoSpace(error)) return false;
      throw error;
    }
  }
}

/** 32 random bits that are not all zero. */
export function newSalt(): number {
  const salt = randomBytes(4).readUInt32LE(0);
  return salt === 0 ? 1 : salt;
}
