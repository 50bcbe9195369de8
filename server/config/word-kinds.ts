/** Kinds of options whose value is a word: yes or no, one of some choices, a text. */
import { ConfigValueError } from './config-error.js';
import { quoteWord } from './config-words.js';
import type { OptionKind } from './option-kind.js';
import { expandTitle } from './process-title.js';

export const booleanKind: OptionKind<boolean> = {
  title: 'yes or no',
  multiple: false,
  parse([word = '']) {
    const lower = word.toLowerCase();
    if (lower !== 'yes' && lower !== 'no') throw new ConfigValueError("argument must be 'yes' or 'no'");
    return lower === 'yes';
  },
  format: (value) => (value ? 'yes' : 'no'),
};

/** Any text. */
export const textKind: OptionKind<string> = checkedTextKind('text', () => '');

/**
 * A text with rules of its own.
 * @param refusal what is wrong with a text, or ''.
 */
export function checkedTextKind(title: string, refusal: (text: string) => string): OptionKind<string> {
  return {
    title,
    multiple: false,
    parse([word = '']) {
      const wrong = refusal(word);
      if (wrong !== '') throw new ConfigValueError(wrong);
      return word;
    },
    format: (value) => value,
    lines: (value) => [quoteWord(value)],
  };
}

/** The name of a file or a directory in another one. */
export function baseNameKind(option: string, what: 'filename' | 'dirname', mayBeEmpty = false): OptionKind<string> {
  return checkedTextKind(`${what === 'filename' ? 'file' : 'directory'} name`, (text) => {
    if (text === '' && !mayBeEmpty) return `${option} can't be empty`;
    return /[/\\]/.test(text) ? `${option} can't be a path, just a ${what}` : '';
  });
}

/** A host name of at most 255 letters, digits, hyphens and dots. */
export const hostNameKind: OptionKind<string> = checkedTextKind('host name', (text) => {
  if (text.length >= 256) return 'Hostnames must be less than 256 characters';
  return /^[A-Za-z0-9.-]*$/.test(text) ? '' : 'Hostnames may only contain alphanumeric characters, hyphens or dots';
});

/** How a process is called in lists of processes: a text with some words in braces (process-title.ts). */
export const processTitleKind: OptionKind<string> = checkedTextKind('text with words in braces', (template) => {
  // As in Redis an empty title is refused, and what is not known before the start counts as empty.
  const expanded = expandTitle(template, (word) => TITLE_WORDS.get(word));
  return expanded === undefined || expanded.trim() === ''
    ? 'template format is invalid or contains unknown variables'
    : '';
});

const TITLE_WORDS: ReadonlyMap<string, string> = new Map([
  ['title', ''],
  ['listen-addr', '*:0'],
  ['server-mode', ''],
  ['port', '0'],
  ['tls-port', '0'],
  ['unixsocket', ''],
  ['config-file', '-'],
]);

/**
 * One of some words.
 * @param synonyms words that are taken too, and the word that they mean; where they stand in Redis' error is after it.
 */
export function choiceKind<const T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, NoInfer<T>>> = {},
): OptionKind<T> {
  const shown = words.flatMap((word) => [word, ...Object.keys(synonyms).filter((other) => synonyms[other] === word)]);
  return {
    title: shown.join(', '),
    multiple: false,
    parse([word = '']) {
      const lower = word.toLowerCase();
      const found =
        words.find((choice) => choice === lower) ?? (Object.hasOwn(synonyms, lower) ? synonyms[lower] : undefined);
      if (found === undefined) {
        throw new ConfigValueError(`argument(s) must be one of the following: ${shown.join(', ')}`);
      }
      return found;
    },
    format: (value) => value,
  };
}

const SHUTDOWN_WORDS: readonly string[] = ['save', 'nosave', 'now', 'force'];

/** Words of SHUTDOWN that a signal means; none of them is `default`. */
export const shutdownWordsKind: OptionKind<readonly string[]> = {
  title: 'default, or some of: save, nosave, now, force',
  multiple: true,
  parse(words) {
    const lower = words.map((word) => word.toLowerCase());
    if (words.length === 0 || lower.some((word) => word !== 'default' && !SHUTDOWN_WORDS.includes(word))) {
      throw new ConfigValueError(`argument(s) must be one of the following: default, ${SHUTDOWN_WORDS.join(', ')}`);
    }
    const found = SHUTDOWN_WORDS.filter((word) => lower.includes(word));
    if (found.includes('save') && found.includes('nosave')) {
      throw new ConfigValueError("shutdown options SAVE and NOSAVE can't be used simultaneously");
    }
    return found;
  },
  format: (value) => (value.length === 0 ? 'default' : value.join(' ')),
};

/** Characters of notify-keyspace-events in the order in which Redis shows them. */
const EVENT_CLASSES = 'g$lshzxetdnKEm';
/** What `A` stands for. */
const ALL_EVENTS = 'g$lshzxetd';

/** Classes of keyspace events. */
export const eventClassesKind: OptionKind<string> = {
  title: "characters of 'Ag$lshzxeKEtmdn'",
  multiple: false,
  parse([word = '']) {
    const asked = new Set(word.replaceAll('A', ALL_EVENTS));
    for (const character of asked) {
      if (!EVENT_CLASSES.includes(character)) {
        throw new ConfigValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
      }
    }
    return [...EVENT_CLASSES].filter((character) => asked.has(character)).join('');
  },
  // As in Redis `n` is not shown beside `A`. A file needs it, to have the same classes again.
  format: (value) => (value.startsWith(ALL_EVENTS) ? value.replace(/^[^KEm]*/, 'A') : value),
  lines: (value) => [quoteWord(value.startsWith(ALL_EVENTS) ? `A${value.slice(ALL_EVENTS.length)}` : value)],
};
