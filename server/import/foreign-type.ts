/** The data types that commands of a Redis make, as far as this version does not have them: for what a refusal says. */

const COMMANDS: Readonly<Record<string, string>> = {
  hash: 'hset hsetnx hmset hdel hincrby hincrbyfloat hpexpireat hpersist hsetex hgetdel',
  list: 'lpush rpush lpushx rpushx linsert lset lrem ltrim lpop rpop lmove rpoplpush lmpop',
  set: 'sadd srem smove spop sinterstore sunionstore sdiffstore',
  'sorted set':
    'zadd zincrby zrem zremrangebyscore zremrangebyrank zremrangebylex zunionstore zinterstore zdiffstore zpopmin ' +
    'zpopmax zmpop zrangestore geoadd georadius georadiusbymember geosearchstore',
  stream: 'xadd xdel xtrim xsetid xgroup xack xclaim xautoclaim xreadgroup',
};

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(COMMANDS).flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)),
);

/** @param command in any case. Returns undefined where the command is none of another type. */
export function foreignTypeOf(command: string): string | undefined {
  return TYPES.get(command.toLowerCase());
}
