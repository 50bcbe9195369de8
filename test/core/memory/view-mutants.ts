/** The two sides of a view as modules of their own, their source text changed: with traced atomics, or as a mutant. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type * as ArenaModule from '../../../core/memory/arena.js';
import type * as ReaderModule from '../../../core/memory/view-reader.js';

const MEMORY = fileURLToPath(new URL('../../../core/memory/', import.meta.url));

export type Change = (name: 'page-view' | 'view-reader', text: string) => string;

export type ViewModules = Pick<typeof ArenaModule, 'Arena'> & Pick<typeof ReaderModule, 'ViewReader'>;

/** Replaces text that must be there exactly once. */
export function replaced(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`the source does not have once: ${from}`);
  return text.replace(from, to);
}

const EXCHANGE = 'Atomics.compareExchange(states, index, state, base | DONE) === state) {\n      sink.commit(page);';
const PUBLISH = '    Atomics.store(this.words, VIEW_HEAD, head + 1);\n';
const SAY_COPIED = '    Atomics.compareExchange(states, index, state, this.base | COPIED);\n';

/** Wrong protocols that must be noticed. */
export const mutants: Readonly<Record<string, Change>> = {
  'the thread stores DONE without a compare': (name, text) =>
    name === 'page-view'
      ? text
      : replaced(text, EXCHANGE, 'Atomics.store(states, index, base | DONE) !== -1) {\n      sink.commit(page);'),
  'the engine claims COPIED before it publishes': (name, text) =>
    name === 'view-reader' ? text : replaced(replaced(text, SAY_COPIED, ''), PUBLISH, SAY_COPIED + PUBLISH),
  'the thread reads live and checks afterwards that the page is still pending': (name, text) =>
    name === 'page-view'
      ? text
      : replaced(text, EXCHANGE, 'Atomics.load(states, index) === state) {\n      sink.commit(page);'),
  'the thread skips a copy that was published but not claimed yet': (name, text) =>
    name === 'page-view'
      ? text
      : replaced(text, 'if (state === (base | DONE)) return false;', 'if (state !== (base | COPIED)) return false;'),
  'the thread gives a cell back before it has read it': (name, text) =>
    name === 'page-view'
      ? text
      : replaced(
          replaced(text, '      Atomics.store(words, VIEW_TAIL, this.tail);\n', ''),
          '      if (this.takeOver(page, base)) {\n',
          '      Atomics.store(words, VIEW_TAIL, this.tail + 1);\n      if (this.takeOver(page, base)) {\n',
        ),
  'the engine writes before it has copied': (name, text) =>
    name === 'view-reader' ? text : replaced(text, 'if (state >= this.base || this.broken) return;', 'return;'),
};

/** Calls `globalThis.viewTrace()` in front of every atomic operation. */
export const traced: Change = (_, text) => text.replaceAll('Atomics.', '(globalThis.viewTrace?.(), Atomics).');

async function bundle(entry: string, format: 'esm' | 'cjs', changes: readonly Change[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: MEMORY, loader: 'ts' },
    bundle: true,
    write: false,
    format,
    target: 'es2022',
    platform: 'node',
    plugins: [
      {
        name: 'changed',
        setup(context) {
          context.onLoad({ filter: /[\\/]memory[\\/](page-view|view-reader)\.ts$/ }, ({ path }) => {
            const name = path.includes('page-view') ? 'page-view' : 'view-reader';
            const text = changes.reduce((held, change) => change(name, held), readFileSync(path, 'utf8'));
            return { contents: text, loader: 'ts' };
          });
        },
      },
    ],
  });
  return Buffer.from(outputFiles[0]!.contents).toString();
}

/** The arena and the reader with these changes. */
export async function loadView(changes: readonly Change[]): Promise<ViewModules> {
  const entry = `export { Arena } from './arena.js'; export { ViewReader } from './view-reader.js';`;
  const code = Buffer.from(await bundle(entry, 'esm', changes)).toString('base64');
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as ViewModules;
}

/** A program for a thread, which may import from core/memory, with these changes. */
export function threadProgram(program: string, changes: readonly Change[]): Promise<string> {
  return bundle(program, 'cjs', changes);
}
