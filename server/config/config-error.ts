/** Errors of the configuration: a value that an option does not take, and where it was read. */

/** A value that the option refuses. The message is what CONFIG SET and a start show, word for word Redis' where it has one. */
export class ConfigValueError extends Error {
  readonly code = 'CONFIG_VALUE';
}

/** The configuration as a whole cannot be used: an unknown option, a bad value, a file that cannot be read. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}
