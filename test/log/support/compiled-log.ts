/**
 * The log compiled for threads and processes of tests, which cannot run TypeScript: made anew from the source once per
 * test file, so that no stale build is tested.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What this test file made, removed when it has run. Hooks count only where a file is collected, not inside a test. */
const directories: string[] = [];
const mounts: string[] = [];
afterAll(() => {
  for (const mount of mounts) spawnSync('umount', ['-l', mount]);
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

/** The compiled tree; removed when the test file has run. */
export function compileLog(): { readonly directory: string; module(name: string): URL } {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-log-build-'));
  directories.push(directory);
  fs.writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}');
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  for (const name of ['log', 'log/local', 'test/log/support']) {
    fs.mkdirSync(path.join(directory, name), { recursive: true });
    for (const file of fs.readdirSync(path.join(ROOT, name))) {
      if (!file.endsWith('.ts')) continue;
      const source = fs.readFileSync(path.join(ROOT, name, file), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2022,
          verbatimModuleSyntax: true,
        },
      });
      fs.writeFileSync(path.join(directory, name, file.replace(/\.ts$/, '.js')), outputText);
    }
  }
  return { directory, module: (name) => pathToFileURL(path.join(directory, name)) };
}

/** A new directory under the system's temporary one; removed when the test file has run. */
export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-log-test-'));
  directories.push(directory);
  return directory;
}

/** A file system in memory of so many bytes, or undefined where this process may not mount one. */
export function mountTmpfs(bytes: number): string | undefined {
  const directory = temporaryDirectory();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory]);
  if (mounted.status !== 0) return undefined;
  mounts.push(directory);
  return directory;
}
