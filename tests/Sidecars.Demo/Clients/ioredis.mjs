import { read, run } from './loop.mjs';

// page: ioredis
import { Redis, ReplyError } from 'ioredis';

export function connect(sentinels, name) {
  const redis = new Redis({ sentinels, name }); // [{ host: 'sentinel', port: 26379 }], 'demo-a.redis'
  redis.on('error', () => {}); // connection errors; ioredis opens another connection
  return redis;
}

export const mayRetry = (error) => !(error instanceof ReplyError) || /^(READONLY|NOREPLICAS|MASTERDOWN|LOADING)/.test(error.message);
// end

const { sentinels, name, prefix } = read('ioredis');
const redis = connect(sentinels, name);
await run((key, value) => redis.set(key, value), mayRetry, prefix);
