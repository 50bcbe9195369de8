/** HalfSipHash written as the paper and the reference state it, with any number of rounds: what the fast ones are compared with. */
export function halfSipHash64(
  compression: number,
  finalisation: number,
  seed0: number,
  seed1: number,
  bytes: Uint8Array,
): { high: number; low: number } {
  const v = [seed0, seed1, 0x6c796765 ^ seed0, 0x74656462 ^ seed1] as [number, number, number, number];
  const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v[0] = (v[0] + v[1]) | 0;
      v[1] = rotate(v[1], 5) ^ v[0];
      v[0] = rotate(v[0], 16);
      v[2] = (v[2] + v[3]) | 0;
      v[3] = rotate(v[3], 8) ^ v[2];
      v[0] = (v[0] + v[3]) | 0;
      v[3] = rotate(v[3], 7) ^ v[0];
      v[2] = (v[2] + v[1]) | 0;
      v[1] = rotate(v[1], 13) ^ v[2];
      v[2] = rotate(v[2], 16);
    }
  };
  v[1] ^= 0xee;
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = words.getInt32(at, true);
    v[3] ^= word;
    rounds(compression);
    v[0] ^= word;
  }
  v[2] ^= 0xee;
  rounds(finalisation);
  const high = v[1] ^ v[3];
  v[1] ^= 0xdd;
  rounds(finalisation);
  return { high, low: v[1] ^ v[3] };
}
