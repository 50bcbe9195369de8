/** What an option allows to nobody, to anyone, or to clients of this machine only: DEBUG, MODULE, protected options. */
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';

/** Whether the client of this command may do what an option of such values guards. */
export function isAllowed(server: ServerContext, x: Execution, mode: 'no' | 'yes' | 'local'): boolean {
  if (mode === 'local') return server.connections.byId(x.session.id)?.transport.local ?? false;
  return mode === 'yes';
}

/** Redis' error for a command that is not allowed so; the name is in capitals. */
export function notAllowedError(command: string, option: string): string {
  return (
    `ERR ${command} command not allowed. If the ${option} option is set to "local", you can run it from a local ` +
    'connection, otherwise you need to set this option in the configuration file, and then restart the server.'
  );
}
