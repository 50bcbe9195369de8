/** Runs the compiled `holdfast` to its end and collects what it says. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../support/project-root.js';

export interface ProgramResult {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const mainModule = join(projectRoot, 'dist/server/main.js');

/** @param args what follows the program's name. */
export function runHoldfast(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return runNode([mainModule, ...args], options);
}

/** Runs a program text as an ES module that may import from 'holdfast'. */
export function runModule(text: string, options: ProgramOptions = {}): Promise<ProgramResult> {
  return runNode(['--input-type=module', '--eval', text], { cwd: projectRoot, ...options });
}

function runNode(args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, errors }));
    child.stdin.end(options.input ?? '');
  });
}
