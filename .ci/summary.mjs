// Prints "N passed, N failed" from vitest's JSON report and the number of failed steps before it; exits with 1 when
// anything failed. A test file that could not be loaded, or a run that ended without a report, counts as a failure.
import { readFileSync } from 'node:fs';

const [path = '', steps = '0', status = '1'] = process.argv.slice(2);
let passed = 0;
let failed = Number(steps);
let skipped = 0;
try {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  passed = report.numPassedTests;
  skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  failed += report.numFailedTests;
  for (const file of report.testResults) {
    const tests = file.assertionResults.some((test) => test.status === 'failed');
    if (file.status === 'failed' && !tests) failed++;
    for (const test of file.assertionResults) {
      if (test.status === 'failed')
        console.log(`failed: ${file.name.replace(`${process.cwd()}/`, '')} > ${test.fullName}`);
    }
    if (file.status === 'failed' && !tests)
      console.log(`failed: ${file.name.replace(`${process.cwd()}/`, '')}: ${file.message}`);
  }
} catch (error) {
  failed++;
  console.log(`no report of the tests: ${error instanceof Error ? error.message : error}`);
}
if (status !== '0' && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
