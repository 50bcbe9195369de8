/** How the source is kept: sizes, names, opening comments, and what must not be left behind in it. */
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { forEachNode, lineOf, type SourceFile, sourceFiles, syntaxTree } from '../support/source-tree.js';

const CODE_FOLDERS = ['core', 'log', 'storage-adapters', 'server', 'bench', 'test'];
const FILE_LINES_MAX = 800;
const FUNCTION_LINES_MAX = 70;
/** What a file says where it has a reason to be longer, or to hold a longer function. */
const SAYS_WHY = /\b(longer|one function|one file|in one piece)\b.*\bbecause\b/i;

const code = sourceFiles(CODE_FOLDERS, ['.ts']);
const everything = [
  ...sourceFiles([...CODE_FOLDERS, 'docs', '.ci'], ['.ts', '.md', '.mjs', '.json', '.py', 'run']),
  ...sourceFiles(['.'], ['.ts', '.md', '.json']),
];

function fileLengthViolations(file: SourceFile): string[] {
  const lines = file.text.split('\n').length;
  return lines > FILE_LINES_MAX && !SAYS_WHY.test(file.text) ? [`${file.path} has ${lines} lines`] : [];
}

/** The body of a describe() is a chapter of tests, not a function that anyone has to follow. */
function isTestChapter(node: ts.Node): boolean {
  const call = node.parent;
  if (!ts.isCallExpression(call)) return false;
  const { expression } = call;
  const name = ts.isCallExpression(expression) ? expression.expression : expression;
  return /^describe/.test(name.getText());
}

/** A function that only returns a list of declarations is a table, which may be as long as it has rows. */
function isTable(body: ts.Node): boolean {
  if (!ts.isBlock(body)) return ts.isArrayLiteralExpression(body);
  const last = body.statements.at(-1);
  const returned = last !== undefined && ts.isReturnStatement(last) ? last.expression : undefined;
  if (returned === undefined || !ts.isArrayLiteralExpression(returned)) return false;
  const text = body.getSourceFile();
  const before = text.getLineAndCharacterOfPosition(returned.getStart()).line - lineOf(text, body);
  return before < FUNCTION_LINES_MAX;
}

function functionLengthViolations(file: SourceFile): string[] {
  const tree = syntaxTree(file);
  const violations: string[] = [];
  forEachNode(tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    if (isTestChapter(node) || isTable(node.body as ts.Node)) return;
    const first = lineOf(tree, node);
    const last = tree.getLineAndCharacterOfPosition(node.end).line + 1;
    if (last - first + 1 <= FUNCTION_LINES_MAX || SAYS_WHY.test(file.text)) return;
    violations.push(`${file.path}:${first} is a function of ${last - first + 1} lines`);
  });
  return violations;
}

const FORBIDDEN_NAMES = /^(utils?|helpers?|common|misc|shared|lib|index)$/;
/** The package's entry point: what `import ... from 'holdfast'` means. */
const ENTRY_POINT = 'server/index.ts';

function nameViolations(file: SourceFile): string[] {
  const violations: string[] = [];
  for (const part of file.path.split('/')) {
    const stem = part.replace(/(\.test|\.d)?\.ts$/, '');
    if (!/^\.?[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) violations.push(`${file.path}: '${part}' is not kebab-case`);
    if (FORBIDDEN_NAMES.test(stem) && file.path !== ENTRY_POINT)
      violations.push(`${file.path}: '${part}' says nothing`);
  }
  return violations;
}

/** A test file may leave it to its name. */
function openingViolations(file: SourceFile): string[] {
  if (file.path.endsWith('.test.ts')) return [];
  const text = file.text.replace(/^#!.*\n/, '').trimStart();
  return text.startsWith('/*') || text.startsWith('//') ? [] : [`${file.path} does not open with a comment`];
}

// The words are put together here so that this file does not contain them itself.
const LEFT_BEHIND = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
const MACHINE_PATH = new RegExp(`(^|[\\s'"\`(=:])/(${['home', 'work', 'root', 'Users'].join('|')})/[a-z]`);
const SWITCHED_OFF = new RegExp(`@ts-(${['no' + 'check', 'ig' + 'nore'].join('|')})`);

function textViolations(file: SourceFile): string[] {
  const violations: string[] = [];
  file.text.split('\n').forEach((line, i) => {
    if (LEFT_BEHIND.test(line)) violations.push(`${file.path}:${i + 1} leaves work behind: ${line.trim()}`);
    if (MACHINE_PATH.test(line)) violations.push(`${file.path}:${i + 1} names a path of one machine: ${line.trim()}`);
    if (SWITCHED_OFF.test(line)) violations.push(`${file.path}:${i + 1} switches the compiler off`);
  });
  return violations;
}

describe('tidy', () => {
  test('there is something to look at', () => {
    expect(code.length).toBeGreaterThan(30);
    expect(everything.length).toBeGreaterThan(code.length);
  });

  test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    expect(code.flatMap(fileLengthViolations)).toEqual([]);
  });

  test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
    expect(code.flatMap(functionLengthViolations)).toEqual([]);
  });

  test('files and folders have names in kebab-case that say something', () => {
    expect(code.flatMap(nameViolations)).toEqual([]);
  });

  test('every file opens with a comment that says what lives in it', () => {
    expect(code.flatMap(openingViolations)).toEqual([]);
  });

  test('nothing is left behind in the text', () => {
    expect(everything.filter((file) => file.path !== 'package-lock.json').flatMap(textViolations)).toEqual([]);
  });
});

describe('the rules notice', () => {
  const made = (path: string, text: string): SourceFile => ({ path, text });

  test('a long file and a long function, unless they say why', () => {
    const body = 'x();\n'.repeat(80);
    expect(functionLengthViolations(made('core/x.ts', `function f() {\n${body}}`))).toHaveLength(1);
    expect(functionLengthViolations(made('core/x.ts', `class A {\n  b = () => {\n${body}};\n}`))).toHaveLength(1);
    expect(functionLengthViolations(made('test/x.test.ts', `describe('x', () => {\n${body}});`))).toEqual([]);
    const table = '{ a: 1 },\n'.repeat(80);
    expect(functionLengthViolations(made('core/x.ts', `function f() {\n  return [${table}];\n}`))).toEqual([]);
    const reason = '// In one piece because the parser inlines it.\n';
    expect(functionLengthViolations(made('core/x.ts', `${reason}function f() {\n${body}}`))).toEqual([]);
    expect(fileLengthViolations(made('core/x.ts', '\n'.repeat(900)))).toHaveLength(1);
  });

  test('names, openings and leftovers', () => {
    expect(nameViolations(made('core/utils/x.ts', ''))).toHaveLength(1);
    expect(nameViolations(made('core/fooBar.ts', ''))).toHaveLength(1);
    expect(nameViolations(made('core/foo-bar.ts', ''))).toEqual([]);
    expect(openingViolations(made('core/x.ts', 'export {}'))).toHaveLength(1);
    expect(textViolations(made('core/x.ts', `// ${'TO' + 'DO'} later`))).toHaveLength(1);
    expect(textViolations(made('core/x.ts', `open('/${'home'}/someone')`))).toHaveLength(1);
  });
});
