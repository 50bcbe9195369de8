// The part of redis-parser 3 that is used here; the package carries no types of its own.
declare module 'redis-parser' {
  interface RedisParserOptions {
    returnReply(reply: unknown): void;
    returnError(error: Error): void;
    returnFatalError?(error: Error): void;
    /** Bulk and simple strings as Buffer instead of text. */
    returnBuffers?: boolean;
    /** Integers as text. */
    stringNumbers?: boolean;
  }
  class RedisParser {
    constructor(options: RedisParserOptions);
    execute(chunk: Buffer): void;
    reset(): void;
  }
  export = RedisParser;
}
