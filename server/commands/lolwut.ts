/** LOLWUT: a line with the version; with VERSION 5 or 6 a picture above it. Another one than Redis': rings of a log. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import { REDIS_VERSION } from '../version.js';
import { integerArgument } from './integer-text.js';

const COLUMNS = 66;
const ROWS = 20;
/** What a client may ask for at most. */
const COLUMNS_MAX = 1000;
const ROWS_MAX = 1000;
const SHADES = ' .:-=+*#%@';
/** Character cells are about twice as high as wide. */
const CELL_RATIO = 2;

function lolwutCommand(x: Execution): void {
  const { args, reply } = x;
  let version = 0;
  const numbers: number[] = [];
  if (args.count >= 3 && args.is(1, 'VERSION')) {
    for (let i = 2; i < args.count; i++) {
      const number = integerArgument(args, i);
      if (number === undefined) {
        reply.error('ERR value is not an integer or out of range');
        return;
      }
      if (i === 2) version = number;
      else numbers.push(number);
    }
  }
  const art = version === 5 || version === 6 ? picture(numbers[0] ?? COLUMNS, numbers[1] ?? ROWS, x.engine.random) : '';
  reply.verbatim('txt', `${art}Redis ver. ${REDIS_VERSION}\n`);
}

/** The rings of a tree that was cut across, a little out of round, with an empty line below. */
function picture(columns: number, rows: number, random: () => number): string {
  const width = Math.min(Math.max(1, columns), COLUMNS_MAX);
  const height = Math.min(Math.max(1, rows), ROWS_MAX);
  const x0 = width * (0.35 + 0.3 * random());
  const y0 = height * (0.35 + 0.3 * random());
  const phase = 2 * Math.PI * random();
  const spacing = 1.5 + 1.5 * random();
  const radius = Math.min(width / CELL_RATIO, height) * 0.55;
  let text = '';
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = (x - x0) / CELL_RATIO;
      const down = y - y0;
      const angle = Math.atan2(down, across);
      const distance = Math.hypot(across, down) * (1 + 0.12 * Math.sin(3 * angle + phase));
      const shade = distance > radius ? 0 : (Math.sin((distance * 2 * Math.PI) / spacing) + 1) / 2;
      text += SHADES[Math.round(shade * (SHADES.length - 1))]!;
    }
    text = `${text.trimEnd()}\n`;
  }
  return `${text}\nRings of a log. `;
}

export const lolwutCommands: readonly CommandSpec[] = [
  {
    name: 'lolwut',
    arity: -1,
    flags: ['readonly', 'fast'],
    categories: [],
    group: 'server',
    since: '5.0.0',
    complexity: '',
    summary: 'Display some computer art and the Redis version',
    arguments: [{ name: 'version', type: 'integer', token: 'VERSION', flags: ['optional'] }],
    pages: 0,
    run: lolwutCommand,
  },
];
