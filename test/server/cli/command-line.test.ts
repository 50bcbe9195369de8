import { describe, expect, test } from 'vitest';
import { CommandLineError, parseCommandLine } from '../../../server/command-line.js';

function serve(...args: string[]) {
  const parsed = parseCommandLine(args);
  if (parsed.action !== 'serve') throw new Error(`the action is ${parsed.action}`);
  return parsed;
}

function settings(...args: string[]): string[][] {
  return serve(...args).settings.map(({ name, words }) => [name, ...words]);
}

describe('the command line', () => {
  test('without anything serves with the defaults', () => {
    expect(serve()).toEqual({ action: 'serve', configFile: '', standardInput: false, settings: [] });
  });

  test('takes a file first and options behind it', () => {
    const parsed = serve('a.conf', '--port', '6380');
    expect(parsed.configFile).toBe('a.conf');
    expect(parsed.settings).toEqual([{ name: 'port', words: ['6380'], where: 'command line' }]);
  });

  test('an option has all words up to the next one', () => {
    expect(settings('--client-output-buffer-limit', 'normal', '1', '2', '3', '--port', '1')).toEqual([
      ['client-output-buffer-limit', 'normal', '1', '2', '3'],
      ['port', '1'],
    ]);
  });

  test("--save '' and a bare --save mean no save points", () => {
    expect(settings('--save', '', '--port', '1')).toEqual([
      ['save', ''],
      ['port', '1'],
    ]);
    expect(settings('--save', '--port', '1')).toEqual([
      ['save', ''],
      ['port', '1'],
    ]);
    expect(settings('--save')).toEqual([['save', '']]);
  });

  test('an option and its values may be one word, and quotes hold words together', () => {
    expect(settings('--timeout 5', '--client-output-buffer-limit', 'normal 1 2 3', '--requirepass "a b"')).toEqual([
      ['timeout', '5'],
      ['client-output-buffer-limit', 'normal 1 2 3'],
      ['requirepass', 'a b'],
    ]);
    expect(settings('--requirepass', 'a "b\\')).toEqual([['requirepass', 'a "b\\']]);
    expect(() => settings('--requirepass "a')).toThrow(/unbalanced quotes/);
  });

  test('an option takes at least one word, even one with dashes', () => {
    expect(settings('--requirepass', '--port', '--dir', 'x')).toEqual([
      ['requirepass', '--port'],
      ['dir', 'x'],
    ]);
    expect(settings('--port')).toEqual([['port']]);
    expect(settings('--maxmemory', '', '--SAVE', '--port 1')).toEqual([
      ['maxmemory', ''],
      ['SAVE', ''],
      ['port', '1'],
    ]);
  });

  test('- means the standard input, first or last', () => {
    expect(serve('-').standardInput).toBe(true);
    expect(serve('-', '--port', '1').standardInput).toBe(true);
    expect(serve('a.conf', '--port', '1', '-')).toMatchObject({ configFile: 'a.conf', standardInput: true });
    expect(settings('--port', '1', '-')).toEqual([['port', '1']]);
  });

  test('other actions', () => {
    expect(parseCommandLine(['--help']).action).toBe('help');
    expect(parseCommandLine(['-h']).action).toBe('help');
    expect(parseCommandLine(['--version']).action).toBe('version');
    expect(parseCommandLine(['-v']).action).toBe('version');
    expect(parseCommandLine(['log', 'inspect', 'x'])).toEqual({ action: 'log', args: ['inspect', 'x'] });
  });

  test('a word that belongs to no option is refused', () => {
    expect(() => parseCommandLine(['-x'])).toThrow(CommandLineError);
    expect(() => parseCommandLine(['a.conf', 'b.conf'])).toThrow("'b.conf' belongs to no option");
  });

  test('texts beyond ASCII become their UTF-8 bytes', () => {
    expect(settings('--requirepass', 'ü')).toEqual([['requirepass', '\xc3\xbc']]);
  });
});
