/** The title of a process in lists of processes: a text in which words in braces stand for what is known of the server. */

/**
 * Puts values in place of the words in braces; `{{` is a brace.
 * @param meaning what a word stands for, or undefined when there is no such word.
 * @returns undefined when a brace is not closed or a word is unknown.
 */
export function expandTitle(template: string, meaning: (word: string) => string | undefined): string | undefined {
  let title = '';
  let at = 0;
  for (;;) {
    const open = template.indexOf('{', at);
    if (open < 0) return title + template.slice(at);
    title += template.slice(at, open);
    if (template[open + 1] === '{') {
      title += '{';
      at = open + 2;
      continue;
    }
    const close = template.indexOf('}', open);
    const value = close < 0 ? undefined : meaning(template.slice(open + 1, close));
    if (value === undefined) return undefined;
    title += value;
    at = close + 1;
  }
}
