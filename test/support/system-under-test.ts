/** Which server the whole-process tests start. */
import type { ServerKind } from './server-process.js';

/**
 * Holdfast; HOLDFAST_TEST_SERVER=redis starts a redis-server instead where a test is about what both must do: the way to
 * find out whether a failing test or the server is wrong.
 */
export const systemUnderTest: ServerKind = process.env.HOLDFAST_TEST_SERVER === 'redis' ? 'redis' : 'holdfast';
