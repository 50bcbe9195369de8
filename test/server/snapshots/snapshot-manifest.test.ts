import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest, type SnapshotManifest } from '../../../server/snapshots/snapshot-manifest.js';
import { MANIFEST } from './example-manifest.js';

describe('manifest', () => {
  it('comes back as it was', () => {
    expect(decodeManifest(encodeManifest(MANIFEST))).toEqual({ format: 1, ...MANIFEST });
  });

  it('notices every flipped bit and every cut', () => {
    const bytes = encodeManifest(MANIFEST);
    for (let at = 0; at < bytes.length; at++) {
      const cut = decodeManifest(bytes.subarray(0, at));
      expect(typeof cut, `cut at ${at}`).toBe('string');
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      expect(typeof decodeManifest(flipped), `flipped at ${at}`).toBe('string');
    }
  });

  it('refuses fields that cannot be', () => {
    for (const wrong of [
      { file: '../../etc/passwd' },
      { file: 'a/b' },
      { sequence: -1 },
      { sequence: 1.5 },
      { logId: 'x' },
      { counts: [{ database: 0, keys: '1', expires: 0 }] },
      { verified: 'yes' },
      { crc64: '12' },
    ]) {
      const bytes = encodeManifest({ ...MANIFEST, ...wrong } as SnapshotManifest);
      expect(decodeManifest(bytes)).toMatch(Object.keys(wrong)[0]!);
    }
  });
});
