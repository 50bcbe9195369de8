/** Ends a test run by saying by name which tests were skipped, so that a skip is never mistaken for a pass. */
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const note = result.state === 'skipped' && result.note !== undefined ? ` (${result.note})` : '';
        skipped.push(`${relative(process.cwd(), module.moduleId)} > ${test.fullName}${note}`);
      }
    }
    if (skipped.length === 0) return;
    console.log(`\n${skipped.length} skipped:`);
    for (const line of skipped) console.log(`  ${line}`);
  }
}
