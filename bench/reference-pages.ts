/**
 * The parts of the documentation that are made from the code: tables of commands from their declarations, the table of
 * options from theirs. They stand between markers; .ci/write-reference.mjs puts them there, and a test fails when they
 * are out of date.
 */
import type { ArgumentSpec, CommandGroup, CommandSpec } from '../core/commands/command.js';
import { coreCommands } from '../core/commands/core-commands.js';
import { serverCommands } from '../server/commands/server-commands.js';
import type { Option } from '../server/config/option.js';
import { OPTION_TABLE } from '../server/config/options.js';
import type { ServerContext } from '../server/server-context.js';

/** What stands between which markers of which file. */
export interface GeneratedPart {
  /** Path in the project. */
  readonly file: string;
  readonly marker: string;
  readonly text: string;
}

const GROUP_TITLES: Readonly<Partial<Record<CommandGroup, string>>> = {
  string: 'Strings',
  generic: 'Keys',
  connection: 'Connection',
  server: 'Server',
  cluster: 'Cluster',
};

/** Declarations only: none of them is run, so there need be no server. */
function allCommands(): readonly CommandSpec[] {
  return [...coreCommands, ...serverCommands({} as ServerContext)];
}

export function generatedParts(): GeneratedPart[] {
  return [
    { file: 'README.md', marker: 'commands', text: commandNames() },
    { file: 'docs/commands.md', marker: 'commands', text: commandTables() },
    { file: 'docs/configuration.md', marker: 'honoured options', text: honouredOptions() },
    { file: 'docs/configuration.md', marker: 'options without effect', text: optionsWithoutEffect() },
    { file: 'docs/configuration.md', marker: 'refused options', text: refusedOptions() },
  ];
}

/**
 * Puts a generated part between its markers.
 * @throws Error when the page has no such markers.
 */
export function replaceGenerated(page: string, { file, marker, text }: GeneratedPart): string {
  const begin = `<!-- generated: ${marker} -->`;
  const end = '<!-- end of generated -->';
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no markers for '${marker}'`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}

function byGroup(): Map<CommandGroup, CommandSpec[]> {
  const groups = new Map<CommandGroup, CommandSpec[]>();
  for (const group of Object.keys(GROUP_TITLES) as CommandGroup[]) groups.set(group, []);
  for (const spec of allCommands()) {
    const group = groups.get(spec.group);
    if (group === undefined) throw new Error(`no title for the group ${spec.group} of ${spec.name}`);
    group.push(spec);
  }
  return groups;
}

function sorted(specs: readonly CommandSpec[]): CommandSpec[] {
  return [...specs].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function commandNames(): string {
  const lines: string[] = [];
  for (const [group, specs] of byGroup()) {
    lines.push(`* **${GROUP_TITLES[group]}**: ${sorted(specs).map(nameWithSubcommands).join(', ')}`);
  }
  return lines.join('\n');
}

function nameWithSubcommands(spec: CommandSpec): string {
  const name = spec.name.toUpperCase();
  const subcommands = sorted(spec.subcommands ?? []).map((subcommand) => subcommand.name.toUpperCase());
  return subcommands.length === 0 ? name : `${name} (${subcommands.join(', ')})`;
}

function commandTables(): string {
  const parts: string[] = [];
  for (const [group, specs] of byGroup()) {
    parts.push(`## ${GROUP_TITLES[group]}`, '', '| command | what it does | complexity | since |', '|---|---|---|---|');
    for (const spec of sorted(specs)) {
      if (spec.run !== undefined) parts.push(commandRow(spec, ''));
      for (const subcommand of sorted(spec.subcommands ?? [])) parts.push(commandRow(subcommand, `${spec.name} `));
    }
    parts.push('');
  }
  return parts.join('\n').trimEnd();
}

function commandRow(spec: CommandSpec, prefix: string): string {
  const name = `${prefix}${spec.name}`.toUpperCase();
  const syntax = [name, ...(spec.arguments ?? []).map(argumentSyntax)].join(' ');
  const summary = spec.summary.replace(/\.$/, '');
  const deprecated =
    spec.deprecated === undefined ? '' : ` (since ${spec.deprecated.since}: ${spec.deprecated.replacedBy})`;
  // Redis marks arguments in its texts with an exclamation mark.
  const text = (summary + deprecated).replaceAll('`!', '`');
  return row([`\`${syntax.replaceAll('|', '\\|')}\``, text, spec.complexity, spec.since]);
}

/** As Redis' reference writes it: brackets for what may be left out, dots for what may be repeated. */
function argumentSyntax(spec: ArgumentSpec): string {
  const flags = spec.flags ?? [];
  let text = plainSyntax(spec);
  if (flags.includes('multiple')) {
    const again =
      flags.includes('multiple_token') || spec.token === undefined ? text : plainSyntax({ ...spec, token: '' });
    text = `${text} [${again} ...]`;
  }
  return flags.includes('optional') ? `[${text}]` : text;
}

function plainSyntax(spec: ArgumentSpec): string {
  const token = spec.token === undefined || spec.token === '' ? '' : `${spec.token} `;
  const inner = (spec.arguments ?? []).map(argumentSyntax);
  switch (spec.type) {
    case 'pure-token':
      return token.trim();
    case 'oneof': {
      const choice = inner.join(' | ');
      return (spec.flags ?? []).includes('optional') && token === '' ? choice : `${token}<${choice}>`;
    }
    case 'block':
      return `${token}${inner.join(' ')}`;
    default:
      return `${token}${spec.name}`;
  }
}

function optionRows(
  columns: readonly string[],
  cells: (name: string, option: Option<unknown>) => string[] | undefined,
) {
  const rows = [row(columns), `|${'---|'.repeat(columns.length)}`];
  for (const [name, option] of OPTION_TABLE) {
    const aliases = (option.aliases ?? []).map((alias) => `, \`${alias}\``).join('');
    const rest = cells(name, option);
    if (rest !== undefined) rows.push(row([`\`${name}\`${aliases}`, ...rest]));
  }
  return rows.join('\n');
}

function initialText({ kind, initial, initialShown }: Option<unknown>): string {
  return initialShown ?? `\`${kind.format(initial) || "''"}\``;
}

function honouredOptions(): string {
  return optionRows(['option', 'values', 'default', 'CONFIG SET', 'what it does'], (_, option) => {
    const { kind, changes, fixed, summary } = option;
    if (option.noEffect !== undefined || option.refused !== undefined) return undefined;
    const settable = fixed !== undefined || changes === 'start' ? 'no' : changes === 'protected' ? 'protected' : 'yes';
    const always = fixed === undefined ? '' : ` Takes no other value: ${fixed}.`;
    return [kind.title, initialText(option), settable, summary + always];
  });
}

function optionsWithoutEffect(): string {
  return optionRows(['option', 'values', 'default', 'CONFIG SET', 'why it changes nothing'], (_, option) => {
    const { kind, changes, noEffect } = option;
    if (noEffect === undefined) return undefined;
    return [
      kind.title,
      initialText(option),
      changes === 'running' ? 'yes' : changes === 'start' ? 'no' : changes,
      noEffect,
    ];
  });
}

function refusedOptions(): string {
  return optionRows(['option', 'the one value that is taken', 'why no other'], (_, option) =>
    option.refused === undefined ? undefined : [initialText(option), option.refused],
  );
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
