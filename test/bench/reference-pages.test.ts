/** The documentation says what the code says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type GeneratedPart, generatedParts, replaceGenerated } from '../../bench/reference-pages.js';
import { projectRoot } from '../support/project-root.js';

function read(file: string): string {
  return readFileSync(join(projectRoot, file), 'utf8');
}

describe('generated parts of the documentation', () => {
  test.each(generatedParts().map((part): [string, GeneratedPart] => [part.file, part]))(
    '%s is up to date (npm run build && node .ci/write-reference.mjs)',
    (file, part) => {
      const page = read(file);
      expect(replaceGenerated(page, part)).toBe(page);
    },
  );

  test('a change of the code would be noticed', () => {
    const part = generatedParts()[0]!;
    const page = read(part.file);
    expect(replaceGenerated(page, { ...part, text: 'something else' })).not.toBe(page);
    expect(() => replaceGenerated('no markers', part)).toThrow(/no markers/);
  });

  test('the syntax of a command is written as its arguments are declared', () => {
    const page = read('docs/commands.md');
    expect(page).toContain('| `GET key` |');
    expect(page).toContain('`CLIENT SETNAME connection-name`');
    expect(page).toContain('`DEL key [key ...]`');
  });
});

const pages = ['README.md', ...readdirSync(join(projectRoot, 'docs')).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

test.each(pages)('the links of %s lead somewhere', (page) => {
  const targets = [...read(page).matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)].map((match) => match[1]!);
  const missing = targets.filter((target) => !existsSync(join(projectRoot, dirname(page), target)));
  expect(missing).toEqual([]);
});

test('every page is in the index', () => {
  const index = read('docs/README.md');
  const absent = pages.filter(
    (page) => page.startsWith('docs/') && page !== 'docs/README.md' && !index.includes(page.slice(5)),
  );
  expect(absent).toEqual([]);
});
