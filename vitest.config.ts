import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/support/skip-reporter.js';

/** Where the run is to leave a report for programs; none when unset. */
const report = process.env.HOLDFAST_TEST_REPORT ?? '';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === '' ? ['default', new SkipReporter()] : ['default', new SkipReporter(), 'json'],
    ...(report === '' ? {} : { outputFile: { json: report } }),
    pool: 'forks',
    poolOptions: { forks: { maxForks: 2 } },
  },
});
