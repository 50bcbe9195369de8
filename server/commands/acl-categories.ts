/** ACL categories of a command: those that follow from its flags and those that it declares, in Redis' order. */
import type { CommandSpec } from '../../core/commands/command.js';

/** All categories, without '@'. */
export const ACL_CATEGORIES: readonly string[] = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', 'hyperloglog', 'geo'],
  ...['stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection', 'transaction', 'scripting'],
];

/** Names without '@'. */
export function aclCategoriesOf(spec: CommandSpec): string[] {
  const { flags } = spec;
  const categories = new Set(spec.categories);
  if (flags.includes('write')) categories.add('write');
  // As in Redis, containers of scripts and the like read nothing that an ACL would mean.
  if (flags.includes('readonly') && !categories.has('scripting')) categories.add('read');
  if (flags.includes('admin')) categories.add('admin').add('dangerous');
  if (flags.includes('pubsub')) categories.add('pubsub');
  if (flags.includes('blocking')) categories.add('blocking');
  categories.add(flags.includes('fast') ? 'fast' : 'slow');
  return ACL_CATEGORIES.filter((category) => categories.has(category));
}

/** True when there is a category of that name. */
export function isAclCategory(name: string): boolean {
  return ACL_CATEGORIES.includes(name);
}
