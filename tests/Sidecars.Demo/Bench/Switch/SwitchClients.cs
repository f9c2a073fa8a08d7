using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>A client of another process.</summary>
/// <param name="Name">Of the option.</param>
/// <param name="Needs">What has to be installed.</param>
/// <param name="Programs">Ways to start it; the first one that works is taken.</param>
internal sealed record StockClient(string Name, string Needs, params string[][] Programs)
{
    /// <summary>True: it is given a record's name, and no Sentinels.</summary>
    public bool FollowsRecord { get; init; }
}

/// <summary>A client as it is on this machine: how it is started and its version, or why it is left out.</summary>
internal sealed record FoundClient(StockClient Client, string[]? Program, string? Version, string? LeftOut);

/// <summary>All clients of the bench.</summary>
internal static class SwitchClients
{
    /// <summary>Four writers of the kit, which retry at once: the figure of the switch itself.</summary>
    public const string InHouse = "in-house";

    private static readonly TimeSpan LookDeadline = TimeSpan.FromSeconds(60); // compiling the Java program, on a busy machine

    public static IReadOnlyList<StockClient> Stock { get; } =
    [
        Python("redis-py", "redis-py.py"),
        new("ioredis", "node 20 or later, npm", ["node", NodeFile("ioredis.mjs")]),
        new("ioredis-detector", "node 20 or later, npm", ["node", NodeFile("ioredis-detector.mjs")]),
        new("node-redis", "node 20 or later, npm", ["node", NodeFile("node-redis.mjs")]),
        new("stackexchange-redis", "nothing", [Environment.ProcessPath!, "client"]),
        new("jedis", "libjedis-java, a JDK (scripts/setup --clients)", ["java", "-cp", "/usr/share/java/*", File("JedisClient.java")]),
        Python("record", "record.py") with { FollowsRecord = true },
    ];

    public static IReadOnlyList<string> Names { get; } = [InHouse, .. Stock.Select(c => c.Name)];

    /// <summary>Asks its program for the version of its library.</summary>
    public static async Task<FoundClient> FindAsync(StockClient client)
    {
        var why = "";
        foreach (var program in client.Programs)
        {
            await using var look = await ServerProcess.StartAsync(new ServerStart(program[0], [.. program[1..], "--version"]));
            if (await look.WaitForExitAsync(LookDeadline) == 0) return new FoundClient(client, program, look.Output[^1], null);
            why = Reason(look.Output);
        }

        return new FoundClient(client, null, null, $"needs {client.Needs}: {why}");
    }

    // Interpreters print the place first and notes last.
    private static string Reason(IReadOnlyList<string> output)
    {
        var line = output.FirstOrDefault(l => l.Contains("rror", StringComparison.Ordinal))
            ?? (output.Count > 0 ? output[^1] : "no output");
        return line.TrimStart('!', ' ').Replace(Repository.Root + "/", "", StringComparison.Ordinal);
    }

    // An interpreter of the user's own may be first on PATH; Debian's package belongs to Debian's. -B: nothing is written beside sources.
    private static StockClient Python(string name, string file) =>
        new(name, "python3-redis (scripts/setup --clients)",
            ["python3", "-B", File(file)], ["/usr/bin/python3", "-B", File(file)]);

    private static string File(string name) => Path.Combine(Repository.Root, "tests/Sidecars.Demo/Clients", name);

    // A copy beside its node_modules, where Node looks for packages; scripts/bench makes both.
    private static string NodeFile(string name) => Path.Combine(Repository.Root, "artifacts/bench/clients", name);
}
