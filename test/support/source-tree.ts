/** The project's own files, for tests about how the source is kept. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';
import { projectRoot } from './project-root.js';

const IGNORED = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);

export interface SourceFile {
  /** Path from the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** All files below folders of the project that exist, or the project's own top-level files for '.'. */
export function sourceFiles(folders: readonly string[], extensions: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  const walk = (directory: string, deep: boolean): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (IGNORED.has(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (deep) walk(path, true);
      } else if (extensions.length === 0 || extensions.some((extension) => entry.name.endsWith(extension))) {
        files.push({ path: relative(projectRoot, path).split(sep).join('/'), text: readFileSync(path, 'utf8') });
      }
    }
  };
  for (const folder of folders) {
    const directory = join(projectRoot, folder);
    if (existsSync(directory)) walk(directory, folder !== '.');
  }
  return files;
}

/** The syntax tree of a TypeScript file, parents set. */
export function syntaxTree(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
}

/** Calls `visit` for every node below `root`. */
export function forEachNode(root: ts.Node, visit: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, walk);
  };
  walk(root);
}

/** What a file imports or re-exports: the words in quotes, dynamic imports and `import()` types too. */
export function importsOf(tree: ts.SourceFile): string[] {
  const found: string[] = [];
  forEachNode(tree, (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      if (ts.isStringLiteral(node.moduleSpecifier)) found.push(node.moduleSpecifier.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0];
      found.push(argument !== undefined && ts.isStringLiteral(argument) ? argument.text : '(computed)');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal)) found.push(node.argument.literal.text);
    }
  });
  return found;
}

/** 1-based line of a node. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}
