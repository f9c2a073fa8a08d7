import { read, run } from './loop.mjs';

// page: ioredis-detector
import { Redis, ReplyError } from 'ioredis';

export function connect(sentinels, name) {
  const redis = new Redis({
    sentinels, // [{ host: 'sentinel', port: 26379 }]
    name, // 'demo-a.redis'
    failoverDetector: true, // leaves the old master as soon as one Sentinel says +switch-master
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false), // 2: reconnects and sends the command again
    retryStrategy: (times) => Math.min(times * 10, 500), // the default waits 50 to 250 ms before its first try
  });
  redis.on('error', () => {}); // connection errors; ioredis opens another connection
  redis.on('end', () => redis.connect().catch(() => {})); // see below; remove this listener before quit(): removeAllListeners('end')
  return redis;
}

export const mayRetry = (error) => !(error instanceof ReplyError) || /^(READONLY|NOREPLICAS|MASTERDOWN|LOADING)/.test(error.message);
// end

const { sentinels, name, prefix } = read('ioredis');
const redis = connect(sentinels, name);
await run((key, value) => redis.set(key, value), mayRetry, prefix);
