import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeSnapshotFiles } from '../../../server/snapshots/snapshot-files.js';
import { encodeManifest, type SnapshotManifest } from '../../../server/snapshots/snapshot-manifest.js';
import { SnapshotStore } from '../../../server/snapshots/snapshot-store.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { MANIFEST } from './example-manifest.js';

let parent: string;
let directory: string;
let warnings: string[];

beforeEach(() => {
  parent = makeTemporaryDirectory('snapshots');
  directory = join(parent, 'snapshots');
  warnings = [];
});
afterEach(() => removeTemporaryDirectory(parent));

function open(): SnapshotStore {
  const store = new SnapshotStore(nodeSnapshotFiles, directory, (message) => warnings.push(message));
  store.read();
  store.clear();
  return store;
}

function publish(store: SnapshotStore, sequence: number): SnapshotManifest {
  const file = `${store.newStem(sequence)}.rdb`;
  writeFileSync(store.pathOf(file), 'REDIS');
  const manifest = { ...MANIFEST, sequence, file };
  store.publish(manifest);
  return manifest;
}

const names = (): string[] => readdirSync(directory).sort();

describe('store of snapshots', () => {
  it('makes its directory, lists what was published, and keeps two', () => {
    const store = open();
    expect(store.snapshots).toEqual([]);
    expect(store.trimSequence).toBe(0);
    for (const sequence of [5, 5, 900, 10_000_000_000]) publish(store, sequence);
    expect(names()).toEqual([
      '0000000000000900-1.json',
      '0000000000000900-1.rdb',
      '0000010000000000-1.json',
      '0000010000000000-1.rdb',
    ]);
    expect(store.trimSequence).toBe(900);
    expect(open().snapshots.map(({ sequence }) => sequence)).toEqual([900, 10_000_000_000]);
    expect(warnings).toEqual([]);
  });

  it('has a number for a second snapshot at the same sequence', () => {
    const store = open();
    publish(store, 7);
    expect(publish(store, 7).file).toBe('0000000000000007-2.rdb');
    expect(open().snapshots.map(({ file }) => file)).toEqual(['0000000000000007-1.rdb', '0000000000000007-2.rdb']);
    expect(open().trimSequence).toBe(7);
  });

  it('clears away what was not finished, and leaves what is not its own', () => {
    publish(open(), 1);
    for (const name of [
      '0000000000000002-1.rdb',
      '0000000000000002-1.rdb.tmp',
      '0000000000000002-1.image',
      '0000000000000001-1.json.tmp',
      'image.json.tmp',
      'notes.txt',
    ]) {
      writeFileSync(join(directory, name), 'x');
    }
    open();
    expect(names()).toEqual(['0000000000000001-1.json', '0000000000000001-1.rdb', 'notes.txt']);
  });

  it('never lists what is not whole, and puts it aside', () => {
    const store = open();
    publish(store, 1);
    publish(store, 2);
    writeFileSync(store.pathOf('0000000000000002-1.rdb'), 'REDIS and more');
    expect(open().snapshots.map(({ sequence }) => sequence)).toEqual([1]);
    expect(warnings.join()).toContain('has 14 bytes instead of 5');
    expect(names()).toEqual([
      '0000000000000001-1.json',
      '0000000000000001-1.rdb',
      '0000000000000002-1.json.damaged',
      '0000000000000002-1.rdb.damaged',
    ]);
    // A second one takes its place.
    writeFileSync(
      store.pathOf('0000000000000001-1.json'),
      readFileSync(store.pathOf('0000000000000001-1.json'), 'latin1').replace('"idx":17', '"idx":18'),
    );
    expect(open().snapshots).toEqual([]);
    expect(names()).toEqual(['0000000000000001-1.json.damaged', '0000000000000001-1.rdb.damaged']);
  });

  it('does not list what was not verified, nor a manifest under another name', () => {
    mkdirSync(directory);
    writeFileSync(join(directory, '0000000000000001-1.rdb'), 'REDIS');
    const file = '0000000000000001-1.rdb';
    writeFileSync(join(directory, '0000000000000001-1.json'), encodeManifest({ ...MANIFEST, file, verified: false }));
    writeFileSync(join(directory, '0000000000000003-1.json'), encodeManifest({ ...MANIFEST, file }));
    expect(open().snapshots).toEqual([]);
  });

  it('has one image, the newest', () => {
    const store = open();
    for (const sequence of [3, 4]) {
      const file = `${store.newStem(sequence)}.image`;
      writeFileSync(store.pathOf(file), 'PAGES');
      store.publishImage({ ...MANIFEST, kind: 'image', sequence, file });
    }
    expect(names()).toEqual(['0000000000000004-1.image', 'image.json']);
    expect(open().image?.sequence).toBe(4);
    open().dropImage();
    expect(names()).toEqual([]);
    expect(open().image).toBeUndefined();
  });
});
