import { read, run } from './loop.mjs';

// page: node-redis
import { createSentinel, ErrorReply } from 'redis';

export async function connect(sentinels, name) {
  const sentinel = createSentinel({
    name, // 'demo-a.redis'
    sentinelRootNodes: sentinels, // [{ host: 'sentinel', port: 26379 }]
    scanInterval: 1000, // polls the Sentinels; without it, the client asks them only after an event or an error
  });
  sentinel.on('error', () => {}); // connection errors; the client opens others
  await sentinel.connect();
  return sentinel;
}

export const mayRetry = (error) => !(error instanceof ErrorReply) || /^(READONLY|NOREPLICAS|MASTERDOWN|LOADING)/.test(error.message);
// end

const { sentinels, name, prefix } = read('redis');
const sentinel = await connect(sentinels, name);
await run((key, value) => sentinel.set(key, value), mayRetry, prefix);
