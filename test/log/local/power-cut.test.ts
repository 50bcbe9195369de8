import { expect, test } from 'vitest';
import { SYNC_SITES, type SyncSite } from '../../../log/local/file-layer.js';
import { runPowerCut } from '../support/power-cut-run.js';

/** Cuts in the default run; HOLDFAST_POWER_CUTS raises it, HOLDFAST_SEED moves it. */
const CUTS = Number(process.env.HOLDFAST_POWER_CUTS ?? 2000);
const SEED = Number(process.env.HOLDFAST_SEED ?? 1);
const LIVES_PER_SITE_MAX = 3000;

/** Sites that this suite cannot see: what else does is named here. */
const ELSEWHERE: ReadonlySet<SyncSite> = new Set([
  // A full disk must show when room is zeroed, never in a commit: no-space.test.ts.
  'step',
  // cut-log.test.ts.
  'cut-segment',
]);

test(`${CUTS} seeded power cuts lose nothing (first seed ${SEED})`, { timeout: 600_000 }, async () => {
  let cuts = 0;
  let duringStart = 0;
  let duringRoll = 0;
  for (let i = 0; cuts < CUTS; i++) {
    const outcome = await runPowerCut(SEED + i);
    expect(outcome.violation).toBeUndefined();
    cuts += outcome.cuts;
    duringStart += outcome.duringStart;
    duringRoll += outcome.duringRoll;
  }
  expect(duringStart).toBeGreaterThan(CUTS / 20);
  expect(duringRoll).toBeGreaterThan(0);
});

for (const site of SYNC_SITES) {
  if (ELSEWHERE.has(site)) continue;
  test(`a missing sync at "${site}" is noticed`, { timeout: 600_000 }, async () => {
    let noticed: string | undefined;
    for (let i = 0; i < LIVES_PER_SITE_MAX && noticed === undefined; i++) {
      noticed = (await runPowerCut(SEED + i, site)).violation;
    }
    expect(noticed).toBeDefined();
  });
}
