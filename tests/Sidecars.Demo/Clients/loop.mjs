// Writes increasing numbers, each until it is acknowledged, and says on stdout, in lines of JSON, what its application would notice.
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const SHORTEST_GAP_MS = 5; // shorter ones are not told
const PAUSE_MS = 5; // after an error: no spin that takes the processor from the servers

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

// The class, and the word that a server's error begins with.
const kind = (error) => [error.constructor.name, /^[A-Z]{4,}/.exec(error.message)?.[0]].filter(Boolean).join(' ');

// Sentinels ({host, port}), name of the master, beginning of all keys.
export function read(library) {
  const [sentinels, name, prefix] = process.argv.slice(2);
  if (sentinels === '--version') {
    console.log(createRequire(import.meta.url)(`${library}/package.json`).version);
    process.exit(0);
  }
  const endpoint = (text) => ({ host: text.slice(0, text.lastIndexOf(':')), port: Number(text.slice(text.lastIndexOf(':') + 1)) });
  return { sentinels: sentinels.split(',').map(endpoint), name, prefix };
}

export async function run(write, mayRetry, prefix) {
  let stopped = false;
  process.on('SIGTERM', () => (stopped = true));
  let acknowledged = 0;
  let last;
  const errors = {};
  while (!stopped) {
    try {
      await write(`${prefix}${acknowledged + 1}`, `${acknowledged + 1}`);
    } catch (error) {
      if (!(kind(error) in errors)) say({ error: kind(error), message: error.message, retried: mayRetry(error) });
      errors[kind(error)] = (errors[kind(error)] ?? 0) + 1;
      if (!mayRetry(error)) break;
      await pause(PAUSE_MS);
      continue;
    }
    acknowledged++;
    const now = performance.now();
    if (last !== undefined && now - last >= SHORTEST_GAP_MS) say({ gap_ms: now - last, ended: Date.now() / 1000 });
    last = now;
  }
  process.stdout.write(JSON.stringify({ acknowledged, errors }) + '\n', () => process.exit(stopped ? 0 : 1));
}
