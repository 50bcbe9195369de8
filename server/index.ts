/** What a program that embeds Holdfast imports: `import { startServer } from 'holdfast'`. */
export { ConfigError } from './config/config-error.js';
export type { LoadingProgress } from './server-core-seam.js';
export { ServerError } from './server-error.js';
export {
  type OptionInput,
  type RunningServer,
  type ServerHooks,
  type ServerOptions,
  startServer,
} from './start-server.js';
