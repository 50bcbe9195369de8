#!/usr/bin/env node
/**
 * The command `holdfast`: reads the command line, starts the server, takes the signals and sets the exit code. A thin
 * layer over start-server.ts.
 *
 * Exit codes: 0 after an orderly end; 1 when the server could not start or had to stop; 128 and the signal's number when
 * a second signal ended it at once.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { type CommandLine, parseCommandLine } from './command-line.js';
import type { Setting } from './config/config.js';
import { parseConfigText, readConfigFile } from './config/config-file.js';
import { errorText } from './error-text.js';
import { runLogCommand } from './log-tools/log-command.js';
import { errorCode } from './server-error.js';
import { launchServer } from './start-server.js';
import { lowerHelperThreads } from './thread-priority.js';
import { HOLDFAST_VERSION, REDIS_VERSION } from './version.js';

const HELP = `Usage: holdfast [file.conf] [--option value ...] [-]
       holdfast - (reads the configuration from the standard input)
       holdfast log inspect DIR [--from SEQUENCE] [--count ENTRIES]
       holdfast log verify DIR
       holdfast log cut DIR --after SEQUENCE --accept-loss --to NEWDIR
       holdfast -h or --help
       holdfast -v or --version

Options are those of docs/configuration.md, written as redis-server takes them:
       holdfast --port 6380 --dir ./data --bind 127.0.0.1
       holdfast ./holdfast.conf --loglevel verbose
       holdfast --requirepass secret --maxmemory 4gb

DIR is a data directory (--dir) or the directory of its log.
`;

async function main(): Promise<number> {
  const commandLine = parseCommandLine(process.argv.slice(2));
  switch (commandLine.action) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'version':
      process.stdout.write(`Holdfast v=${HOLDFAST_VERSION} redis=${REDIS_VERSION} node=${process.version}\n`);
      return 0;
    case 'log':
      return await runLogCommand(commandLine.args, process.stdout);
    case 'serve':
      return await serve(commandLine);
  }
}

async function serve(commandLine: CommandLine & { action: 'serve' }): Promise<number> {
  lowerHelperThreads();
  const launch = launchServer(
    {
      settings: readSettings(commandLine),
      workingDirectory: process.cwd(),
      configFile: commandLine.configFile === '' ? '' : resolve(commandLine.configFile),
      logOutput: process.stdout.isTTY ? 'pretty' : 'json',
    },
    {},
  );
  takeSignals((signal) => launch.stop(signal));
  try {
    const server = await launch.started;
    await server.closed;
  } catch (error) {
    if (errorCode(error) !== 'CLOSED') throw error;
  }
  return 0;
}

function readSettings({ configFile, standardInput, settings }: CommandLine & { action: 'serve' }): Setting[] {
  return [
    ...(configFile === '' ? [] : readConfigFile(configFile)),
    ...(standardInput ? parseConfigText(readFileSync(0, 'latin1'), 'standard input') : []),
    ...settings,
  ];
}

/** The first signal ends the server in order, the second one at once. */
function takeSignals(stop: (signal: string) => void): void {
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signals++ > 0) process.exit(128 + constants.signals[signal]);
      stop(signal);
    });
  }
  // As with Redis, the end of the terminal that started it is not the server's.
  process.on('SIGHUP', () => {});
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`holdfast: ${errorText(error)}\n`);
    process.exitCode = 1;
  },
);
