/**
 * Commands reach the dataset through core/database.ts alone: only there a lookup collects what the reply depends on. This
 * test reads their sources and fails where one knows another way.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../support/project-root.js';

/** What a source of a command may not contain, and why. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/from '[^']*\/memory\//, 'imports of core/memory: keyspaces and arenas are behind core/database.ts'],
  [/\bkeyspaces?\b(?=\s*[.[])/, 'a keyspace itself'],
  [/\.\s*(?:find|sample|forEachDue|forEachRecord|detach|nextPage)\s*\(/, 'looking keys up without the database'],
  [/(?<!pattern|collected)\.scan\s*\(/, 'walking keys without the database'],
  [/\barena\b/i, 'the arena'],
  [/\bas\s+(?:unknown|any|never)\b/, 'casts that get around the types of core/database.ts'],
  [/[\w)\]]\[\s*['"](?:keyspaces?|dependencies|collected|resolve)['"]\s*\]/, 'private fields by name'],
  [/\bfrom '(?:node:|\.\.\/\.\.\/(?:server|log|storage-adapters))/, 'anything outside of core'],
];

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

function violations(source: string): string[] {
  const code = withoutComments(source);
  return BANNED.filter(([pattern]) => pattern.test(code)).map(([, reason]) => reason);
}

const folders = ['core/commands'];
const sources = folders.flatMap((folder) =>
  readdirSync(join(projectRoot, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

describe('sources of commands', () => {
  test('are found', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(sources).toContain('core/commands/string-get.ts');
  });

  test.each(sources)('%s', (path) => {
    expect(violations(readFileSync(join(projectRoot, path), 'utf8'))).toEqual([]);
  });

  test.each([
    "import { Keyspace } from '../memory/keyspace.js';",
    "import type { Reference } from '../memory/reference.js';",
    'x.engine.keyspaces[0]!.count',
    'const found = x.database.values.find(bytes, 0, 3);',
    'x.engine.arena.bytes(found)',
    'keyspace.scan(0, 10, visit)',
    "x.database['keyspace']",
    '(x.database as unknown as Inner).keyspace.remove()',
    "import { readFileSync } from 'node:fs';",
  ])('this would be found: %s', (source) => {
    expect(violations(source)).not.toEqual([]);
  });
});
