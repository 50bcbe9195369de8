/** Who may import whom, and what `core/` may never touch. The rules themselves are tested on made-up files. */
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { forEachNode, importsOf, lineOf, type SourceFile, sourceFiles, syntaxTree } from '../support/source-tree.js';

/** Folders, packages and node's own modules that the files of a folder may import. */
interface Boundary {
  readonly folders: readonly string[];
  readonly node: boolean;
  readonly packages: readonly string[];
}

const boundaries: Readonly<Record<string, Boundary>> = {
  core: { folders: ['core'], node: false, packages: [] },
  log: { folders: ['log'], node: true, packages: ['level'] },
  'storage-adapters': { folders: ['storage-adapters'], node: true, packages: ['level'] },
  server: {
    folders: ['server', 'core', 'log', 'storage-adapters'],
    node: true,
    packages: ['pino', 'pino-pretty', 'redis-parser', 'level'],
  },
};

function importViolations(file: SourceFile): string[] {
  const folder = file.path.split('/')[0]!;
  const boundary = boundaries[folder];
  if (boundary === undefined) return [];
  const violations: string[] = [];
  for (const target of importsOf(syntaxTree(file))) {
    let allowed: boolean;
    if (target.startsWith('.')) {
      const path = posix.normalize(posix.join(posix.dirname(file.path), target));
      allowed = boundary.folders.includes(path.split('/')[0]!);
    } else if (target.startsWith('node:')) {
      allowed = boundary.node;
    } else {
      allowed = boundary.packages.includes(target);
    }
    if (!allowed) violations.push(`${file.path} imports ${target}`);
  }
  return violations;
}

/** Time, chance, timers and the host are injected into core. */
const BANNED_IN_CORE = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'process', 'Date', 'crypto'],
  ...['Buffer', 'require', 'globalThis', 'Worker', 'Promise', 'eval', 'console', 'fetch'],
]);

/** True where an identifier is a value of its own, not a member, a key or a declared name. */
function standsAlone(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent)) {
    return parent.name !== node;
  }
  if (ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent)) return parent.name !== node;
  return true;
}

function coreViolations(file: SourceFile): string[] {
  const tree = syntaxTree(file);
  const violations: string[] = [];
  const note = (node: ts.Node, what: string) => violations.push(`${file.path}:${lineOf(tree, node)} uses ${what}`);
  forEachNode(tree, (node) => {
    if (ts.isIdentifier(node) && BANNED_IN_CORE.has(node.text) && standsAlone(node)) note(node, node.text);
    if (ts.isPropertyAccessExpression(node) && node.getText(tree) === 'Math.random') note(node, 'Math.random');
    if (ts.isAwaitExpression(node)) note(node, 'await');
  });
  return violations;
}

/** What commands may take from core/memory: words for values, never a way to a key. */
const MEMORY_FOR_COMMANDS = new Set(['reference', 'record', 'parts', 'hash-prefix']);
/** Roads to the dataset that do not collect what a reply depends on. */
const BYPASSES = new Set(['keyspaces', 'keyspace', 'arena', 'forEachDue', 'Keyspace']);

/** A command reads the dataset through Database only: there a lookup collects what the reply depends on. */
function bypassViolations(file: SourceFile): string[] {
  const tree = syntaxTree(file);
  const violations: string[] = [];
  for (const target of importsOf(tree)) {
    const memory = /\/memory\/(.+)\.js$/.exec(target);
    if (memory !== null && !MEMORY_FOR_COMMANDS.has(memory[1]!)) violations.push(`${file.path} imports ${target}`);
  }
  forEachNode(tree, (node) => {
    if (ts.isIdentifier(node) && BYPASSES.has(node.text)) {
      violations.push(`${file.path}:${lineOf(tree, node)} reaches for ${node.text}`);
    }
    if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
      if (BYPASSES.has(node.argumentExpression.text)) {
        violations.push(`${file.path}:${lineOf(tree, node)} reaches for ${node.argumentExpression.text}`);
      }
    }
  });
  return violations;
}

const made = (path: string, text: string): SourceFile => ({ path, text });

describe('boundaries', () => {
  test('folders import only what they may', () => {
    const files = sourceFiles(['core', 'log', 'storage-adapters', 'server'], ['.ts']);
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap(importViolations)).toEqual([]);
  });

  test('core has no clock, chance, timer, promise or host of its own', () => {
    expect(sourceFiles(['core'], ['.ts']).flatMap(coreViolations)).toEqual([]);
  });

  test('commands read the dataset through the lookup only', () => {
    expect(sourceFiles(['core/commands'], ['.ts']).flatMap(bypassViolations)).toEqual([]);
  });
});

describe('the rules notice', () => {
  test('a forbidden import, however it is written', () => {
    for (const text of [
      `import { x } from '../../server/config/config.js';`,
      `import 'node:fs';`,
      `import { x } from 'pino';`,
      `export { x } from '../../log/frame.js';`,
      `const x = import('../../log/frame.js');`,
      `let x: import('../../log/frame.js').Frame;`,
    ]) {
      expect(importViolations(made('core/commands/x.ts', text)).length, text).toBe(1);
    }
    expect(importViolations(made('log/x.ts', `import { x } from '../core/engine.js';`))).toHaveLength(1);
    expect(importViolations(made('server/x.ts', `import { x } from '../core/engine.js';`))).toEqual([]);
    expect(importViolations(made('server/x.ts', `import { x } from '../test/support/x.js';`))).toHaveLength(1);
  });

  test('a call that core may not make', () => {
    for (const text of ['Date.now();', 'Math.random();', 'setTimeout(f, 1);', 'process.hrtime();', 'new Promise(f);']) {
      expect(coreViolations(made('core/x.ts', text)).length, text).toBe(1);
    }
    expect(coreViolations(made('core/x.ts', 'x.process(); const o = { process: 1 };'))).toEqual([]);
  });

  test('a command that goes around the lookup', () => {
    for (const text of [
      `import { Keyspace } from '../memory/keyspace.js';`,
      'x.engine.keyspaces[0].find(a, 0, 1);',
      `x.engine['keyspaces'];`,
      'const { keyspace } = x.database as never;',
    ]) {
      expect(bypassViolations(made('core/commands/x.ts', text)).length, text).toBeGreaterThan(0);
    }
    expect(bypassViolations(made('core/commands/x.ts', 'x.database.lookupRead(1);'))).toEqual([]);
  });
});
