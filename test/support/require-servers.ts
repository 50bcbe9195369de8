/**
 * Tests that need programs from outside of the project (redis-server and its tools): without the program they are
 * skipped, plainly and by name; where HOLDFAST_REQUIRE_SERVERS=1 says that the machine is meant to have everything,
 * they fail instead.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

export type Requirement =
  | 'redis-server'
  | 'redis-cli'
  | 'redis-benchmark'
  | 'prometheus-redis-exporter'
  | 'redis-py'
  | 'tmpfs'
  | 'flock';

const known = new Map<Requirement, string>();

/** Empty when the requirement is met, else what is missing. */
export function missing(requirement: Requirement): string {
  let answer = known.get(requirement);
  if (answer === undefined) {
    answer = ask(requirement);
    known.set(requirement, answer);
  }
  return answer;
}

function ask(requirement: Requirement): string {
  switch (requirement) {
    case 'redis-py':
      return pythonWithRedis() === undefined ? 'no python3 here can import redis (Debian: python3-redis)' : '';
    case 'tmpfs':
      return mountTmpfs() ? '' : 'mounting a tmpfs is not permitted here';
    default:
      return succeeds(requirement, ['--version']) ? '' : `${requirement} is not installed`;
  }
}

function succeeds(program: string, args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function mountTmpfs(): boolean {
  const parent = makeTemporaryDirectory('mount');
  const directory = join(parent, 'tmpfs');
  mkdirSync(directory);
  const mounted = succeeds('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
  if (mounted) spawnSync('umount', [directory]);
  removeTemporaryDirectory(parent);
  return mounted;
}

/** A python3 that has redis-py: the first on the path, or the system's own, which Debian packages install into. */
export function pythonWithRedis(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => succeeds(python, ['-c', 'import redis']));
}

/** describe() for tests that need these programs. */
export function describeWith(requirements: readonly Requirement[], name: string, body: () => void): void {
  const reasons = requirements.map(missing).filter((reason) => reason !== '');
  if (reasons.length === 0) {
    describe(name, body);
  } else if (process.env.HOLDFAST_REQUIRE_SERVERS === '1') {
    test(`${name} (cannot run: ${reasons.join('; ')})`, () => {
      throw new Error(`HOLDFAST_REQUIRE_SERVERS=1, and ${reasons.join('; ')}`);
    });
  } else {
    describe.skip(`${name} (${reasons.join('; ')})`, body);
  }
}
