import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Config } from '../../../server/config/config.js';
import { parseConfigText } from '../../../server/config/config-file.js';
import { machine } from '../support/fake-server.js';

function read(text: string): Config {
  return new Config(parseConfigText(text, 'a.conf'), machine);
}

const HASH = createHash('sha256').update('secret').digest('hex');

describe('directives', () => {
  test('rename-command is noted in order', () => {
    expect(read('rename-command KEYS ""\nRENAME-command a b').renames).toEqual([
      ['KEYS', ''],
      ['a', 'b'],
    ]);
    expect(() => read('rename-command KEYS')).toThrow(
      "a.conf, line 1: 'rename-command KEYS': wrong number of arguments",
    );
  });

  test('the line of the default user that Redis writes is taken', () => {
    expect(() => read('user default on nopass sanitize-payload ~* &* +@all')).not.toThrow();
    expect(() => read(`user default on sanitize-payload #${HASH} ~* &* +@all\nrequirepass "secret"`)).not.toThrow();
  });

  test.each([
    [`user default on #${HASH} ~* &* +@all`, 'a.conf, line 1: the user has a password that requirepass does not say'],
    [`requirepass another\nuser default #${HASH}`, 'a.conf, line 2: the user has a password'],
    ['user default off', /no users beyond `default`/],
    ['user default on >secret', /no users beyond/],
    ['user default on -keys', /no users beyond/],
    ['user alice on nopass ~* +@all', /no users beyond/],
    ['user', /no users beyond/],
    ['loadmodule /a.so x', /^a.conf, line 1: 'loadmodule \/a.so x': this version has no modules$/],
    ['redisearch.maxdoc 5', /no modules/],
    ['sentinel monitor a 127.0.0.1 1 2', /no sentinel/],
    ['aclfile /etc/users.acl', /no users beyond/],
    ['nosuch 1', "a.conf, line 1: 'nosuch 1': there is no option 'nosuch'"],
  ])('%s stops the start', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
