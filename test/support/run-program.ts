/** Runs a program to its end and collects what it prints. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramInput {
  /** Written to its standard input piece by piece, as fast as it reads. */
  readonly input?: Iterable<string | Buffer>;
  readonly directory?: string;
}

/** @throws when the program cannot be started. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input, directory }: ProgramInput = {},
): Promise<ProgramResult> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], ...(directory ? { cwd: directory } : {}) });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // A program that ends without reading its input is not a failure of ours.
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const piece of input ?? []) {
    if (!child.stdin.write(piece))
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
  }
  child.stdin.end();
  const code = await ended;
  process.off('exit', kill);
  return { code, stdout, stderr };
}
