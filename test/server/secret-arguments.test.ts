import { expect, test } from 'vitest';
import { isSecret } from '../../server/secret-arguments.js';

/** As Redis 7.0 shows them in SLOWLOG GET. */
test.each([
  ['auth', 'AUTH default x', 'AUTH * *'],
  ['auth', 'auth x', 'auth *'],
  ['hello', 'hello 2 auth default x setname y', 'hello 2 auth * * setname y'],
  ['hello', 'hello 3 setname y', 'hello 3 setname y'],
  ['config|set', 'config set requirepass x', 'config set requirepass *'],
  ['config|set', 'config set masterauth x timeout 0', 'config set masterauth * timeout 0'],
  ['config|get', 'config get requirepass', 'config get requirepass'],
  ['migrate', 'migrate h 1 k 0 10 auth pw', 'migrate h 1 k 0 10 auth *'],
  ['migrate', 'migrate h 1 k 0 10 auth2 u pw keys a', 'migrate h 1 k 0 10 auth2 * * keys a'],
  ['acl|setuser', 'acl setuser foo >x', 'acl setuser * *'],
  ['set', 'set auth x', 'set auth x'],
])('%s: %s', (name, command, shown) => {
  const texts = command.split(' ');
  expect(texts.map((text, i) => (isSecret(name, texts, i) ? '*' : text)).join(' ')).toBe(shown);
});
