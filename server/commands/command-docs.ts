/** One command as COMMAND DOCS tells it: a map of what is known, without what is not. */
import type { Command } from '../../core/command-table.js';
import type { ArgumentSpec } from '../../core/commands/command.js';
import type { ReplyWriter } from '../../core/reply-writer.js';

/** Writes one value of a map. */
type Value = (reply: ReplyWriter) => void;

const text =
  (value: string): Value =>
  (reply) =>
    reply.bulkText(value);

/** Writes the name and the documentation of a command. */
export function replyCommandDocs(reply: ReplyWriter, command: Command): void {
  const { spec } = command;
  const fields: [string, Value][] = [
    ['summary', text(spec.summary)],
    ['since', text(spec.since)],
    ['group', text(spec.group)],
  ];
  if (spec.complexity !== '') fields.push(['complexity', text(spec.complexity)]);
  const docFlags = [
    ...(spec.deprecated === undefined ? [] : ['deprecated']),
    ...(spec.systemCommand ? ['syscmd'] : []),
  ];
  if (docFlags.length > 0) fields.push(['doc_flags', (out) => replyFlags(out, docFlags)]);
  if (spec.deprecated !== undefined) {
    fields.push(['deprecated_since', text(spec.deprecated.since)]);
    fields.push(['replaced_by', text(spec.deprecated.replacedBy)]);
  }
  if (spec.history !== undefined) fields.push(['history', historyOf(spec.history)]);
  if (spec.arguments !== undefined) fields.push(['arguments', argumentsOf(spec.arguments)]);
  if (command.subcommands !== undefined) fields.push(['subcommands', subcommandsOf(command.subcommands)]);
  reply.bulkLatin1(command.fullName);
  replyFields(reply, fields);
}

function replyFields(reply: ReplyWriter, fields: readonly [string, Value][]): void {
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkLatin1(name);
    value(reply);
  }
}

function replyFlags(reply: ReplyWriter, flags: readonly string[]): void {
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
}

function historyOf(history: readonly (readonly [string, string])[]): Value {
  return (reply) => {
    reply.set(history.length);
    for (const [version, change] of history) {
      reply.array(2);
      reply.bulkText(version);
      reply.bulkText(change);
    }
  };
}

function argumentsOf(specs: readonly ArgumentSpec[]): Value {
  return (reply) => {
    reply.array(specs.length);
    for (const spec of specs) replyFields(reply, argumentFields(spec));
  };
}

function argumentFields(spec: ArgumentSpec): [string, Value][] {
  const fields: [string, Value][] = [
    ['name', text(spec.name)],
    ['type', text(spec.type)],
  ];
  if (spec.displayText !== undefined) fields.push(['display_text', text(spec.displayText)]);
  const { keySpecIndex, token, summary, since, deprecatedSince, flags } = spec;
  if (keySpecIndex !== undefined) fields.push(['key_spec_index', (reply) => reply.integer(keySpecIndex)]);
  if (token !== undefined) fields.push(['token', text(token)]);
  if (summary !== undefined) fields.push(['summary', text(summary)]);
  if (since !== undefined) fields.push(['since', text(since)]);
  if (deprecatedSince !== undefined) fields.push(['deprecated_since', text(deprecatedSince)]);
  if (flags !== undefined && flags.length > 0) fields.push(['flags', (reply) => replyFlags(reply, flags)]);
  if (spec.arguments !== undefined) fields.push(['arguments', argumentsOf(spec.arguments)]);
  return fields;
}

function subcommandsOf(subcommands: ReadonlyMap<string, Command>): Value {
  return (reply) => {
    reply.map(subcommands.size);
    for (const subcommand of subcommands.values()) replyCommandDocs(reply, subcommand);
  };
}
