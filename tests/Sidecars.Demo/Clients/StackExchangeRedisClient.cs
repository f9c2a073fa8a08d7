using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sidecars.Core.Hosting;
// page: stackexchange-redis
using StackExchange.Redis;
using StackExchange.Redis.Availability;
// end

namespace Sidecars.Demo.Clients;

// page: stackexchange-redis
internal static class Client
{
    public static async Task<IDatabaseAsync> ConnectAsync(string sentinels, string name) // "sentinel:26379", "demo-a.redis"
    {
        var options = ConfigurationOptions.Parse(sentinels);
        options.ServiceName = name;
        options.ConnectTimeout = options.AsyncTimeout = 1000;
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(100); // a lost connection is noticed and tried again at a heartbeat: 1 s
        options.ReconnectRetryPolicy = new LinearRetry(50); // the default waits longer each time, up to a minute
        var connection = await ConnectionMultiplexer.ConnectAsync(options);
        // The default tries three times, 1 to 1.5 s apart.
        return connection.GetDatabase().WithRetry(new RetryPolicy.Builder
        {
            MaxAttempts = 20,
            RetryDelay = TimeSpan.FromMilliseconds(10),
            JitterMax = TimeSpan.FromMilliseconds(20),
        });
    }

    // A RedisCommandException says that only replicas are known.
    public static bool MayRetry(Exception error) =>
        error is RedisConnectionException or RedisTimeoutException or RedisCommandException
        || error is RedisServerException && Regex.IsMatch(error.Message, "^(READONLY|NOREPLICAS|MASTERDOWN|LOADING)");
}
// end

/// <summary>
/// Writes increasing numbers, each until it is acknowledged, and says on stdout, in lines of JSON, what its application would notice:
/// what the other programs of this folder do, in the language of this client. A process of its own: <c>sidecars-demo client</c>.
/// </summary>
internal static class StackExchangeRedisClient
{
    private const double ShortestGapMs = 5; // shorter ones are not told

    // After an error: no spin that takes the processor from the servers.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <param name="arguments"><c>--version</c>; or the Sentinels, the name of the master, the beginning of all keys.</param>
    /// <returns>The exit code: 1 after an error that is not to be retried.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--version"])
        {
            Console.WriteLine(FileVersionInfo.GetVersionInfo(typeof(ConnectionMultiplexer).Assembly.Location).FileVersion);
            return ExitCode.Ok;
        }

        if (arguments is not [var sentinels, var name, var prefix]) return ExitCode.WrongConfiguration;
        var stopped = false;
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = stopped = true);
        var client = await Client.ConnectAsync(sentinels, name);
        var errors = new SortedDictionary<string, long>();
        var (acknowledged, last, fatal) = (0L, 0L, false);
        while (!Volatile.Read(ref stopped) && !fatal)
        {
            try
            {
                var number = (acknowledged + 1).ToString(CultureInfo.InvariantCulture);
                await client.StringSetAsync(prefix + number, number);
            }
            catch (Exception error)
            {
                fatal = !Client.MayRetry(error);
                var kind = Kind(error);
                if (!errors.TryGetValue(kind, out var count)) Say(new { error = kind, message = error.Message, retried = !fatal });
                errors[kind] = count + 1;
                await Task.Delay(Pause, TimeProvider.System);
                continue;
            }

            var now = TimeProvider.System.GetTimestamp();
            var gap = TimeProvider.System.GetElapsedTime(last, now).TotalMilliseconds;
            if (acknowledged++ > 0 && gap >= ShortestGapMs)
                Say(new { gap_ms = gap, ended = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 });
            last = now;
        }

        Say(new { acknowledged, errors });
        return fatal ? ExitCode.Failed : ExitCode.Ok;
    }

    private static void Say(object line) => Console.WriteLine(JsonSerializer.Serialize(line));

    // The class, and the word that a server's error begins with.
    private static string Kind(Exception error)
    {
        var code = Regex.Match(error.Message, "^[A-Z]{4,}").Value;
        return error.GetType().Name + (code.Length > 0 ? " " + code : "");
    }
}
