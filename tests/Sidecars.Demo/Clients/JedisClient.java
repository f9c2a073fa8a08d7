import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

// page: jedis
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisSentinelPool;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
// end

/** Writes increasing numbers, each until it is acknowledged, and says on stdout, in lines of JSON, what its application would notice. */
class JedisClient {
    private static final double SHORTEST_GAP_MS = 5; // shorter ones are not told
    private static final long PAUSE_MS = 5; // after an error: no spin that takes the processor from the servers
    private static final Pattern CODE = Pattern.compile("^[A-Z]{4,}");
    private static volatile boolean stopped;

    public static void main(String[] args) throws InterruptedException {
        if (args[0].equals("--version")) {
            String source = Jedis.class.getProtectionDomain().getCodeSource().getLocation().getPath();
            System.out.println(source.substring(source.lastIndexOf('/') + 1).replaceAll("^jedis-?|\\.jar$", ""));
            return;
        }

        Thread writer = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopped = true;
            try {
                writer.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        run(new Client(Set.of(args[0].split(",")), args[1]), args[2]);
    }

    private static void run(Client client, String prefix) throws InterruptedException {
        long acknowledged = 0;
        long last = 0;
        Map<String, Long> errors = new TreeMap<>();
        while (!stopped) {
            try {
                client.set(prefix + (acknowledged + 1), Long.toString(acknowledged + 1));
            } catch (RuntimeException error) {
                boolean retried = Client.mayRetry(error);
                if (errors.merge(kind(error), 1L, Long::sum) == 1)
                    say("{\"error\": \"%s\", \"message\": \"%s\", \"retried\": %b}", kind(error), text(error.getMessage()), retried);
                if (!retried) break;
                Thread.sleep(PAUSE_MS);
                continue;
            }
            acknowledged++;
            long now = System.nanoTime();
            double gap = (now - last) / 1e6;
            if (acknowledged > 1 && gap >= SHORTEST_GAP_MS)
                say("{\"gap_ms\": %.3f, \"ended\": %.3f}", gap, System.currentTimeMillis() / 1e3);
            last = now;
        }
        StringBuilder counts = new StringBuilder();
        errors.forEach((kind, count) -> counts.append(counts.length() == 0 ? "" : ", ").append("\"" + kind + "\": " + count));
        say("{\"acknowledged\": %d, \"errors\": {%s}}", acknowledged, counts);
        if (!stopped) Runtime.getRuntime().halt(1);
    }

    private static void say(String line, Object... values) {
        System.out.printf(Locale.ROOT, line + "%n", values);
    }

    // The class, and the word that a server's error begins with.
    private static String kind(RuntimeException error) {
        var code = CODE.matcher(String.valueOf(error.getMessage()));
        return error.getClass().getSimpleName() + (code.find() ? " " + code.group() : "");
    }

    private static String text(String message) {
        return String.valueOf(message).replaceAll("[\\\\\"\\p{Cntrl}]", " ");
    }
}

// page: jedis
class Client {
    private final JedisSentinelPool pool;

    Client(Set<String> sentinels, String name) { // "sentinel:26379", "demo-a.redis"
        pool = new JedisSentinelPool(name, sentinels);
    }

    void set(String key, String value) {
        try (Jedis jedis = pool.getResource()) { // for each use: the pool is another one after a switch
            jedis.set(key, value);
        }
    }

    static boolean mayRetry(RuntimeException error) {
        return error instanceof JedisConnectionException
                || error instanceof JedisDataException && error.getMessage().matches("(?s)(READONLY|NOREPLICAS|MASTERDOWN|LOADING).*");
    }
}
// end
