using System.Globalization;
using System.Text.Json;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// How much later a replica answers because redis-bootstrap asks the Sentinels first: the same node is started in turn by
/// redis-bootstrap and by a plain redis-server on the very configuration that redis-bootstrap wrote.
/// </summary>
internal sealed record BootstrapBench : IBenchResult
{
    private const int Rounds = 30;
    private const double BudgetMilliseconds = 50;
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(10);

    public required Machine Machine { get; init; }

    public required string LoadAfter { get; init; }

    public required IReadOnlyList<double> PlainMs { get; init; }

    public required IReadOnlyList<double> BootstrapMs { get; init; }

    /// <summary>Processor time of the whole process, up to its first answer; in steps of 10 ms, so only the mean says something.</summary>
    public required IReadOnlyList<double> PlainCpuMs { get; init; }

    /// <summary>As <see cref="PlainCpuMs"/>; other processes hardly change it, so it can be compared between busy machines.</summary>
    public required IReadOnlyList<double> BootstrapCpuMs { get; init; }

    public double PlainMedianMs => Median(PlainMs);

    public double BootstrapMedianMs => Median(BootstrapMs);

    public double AddedMs => Math.Round(BootstrapMedianMs - PlainMedianMs, 2);

    public double BudgetMs => BudgetMilliseconds;

    public bool WithinBudget => AddedMs <= BudgetMilliseconds;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "bench" });
        await group.StartAsync(cancellation: cancellation);
        var replica = (await group.WaitHealthyAsync(cancellation: cancellation)).Redis.First(n => !n.IsMaster).Node;

        List<double> plain = [], bootstrap = [], plainCpu = [], bootstrapCpu = [];
        for (var round = 0; round < Rounds; round++)
        {
            await replica.KillAsync();
            await PlainStartAsync(group, replica, plain, plainCpu, cancellation);
            await BootstrapStartAsync(group, replica, bootstrap, bootstrapCpu, cancellation);
        }

        var result = new BootstrapBench
        {
            Machine = machine,
            LoadAfter = Machine.Load(),
            PlainMs = plain,
            BootstrapMs = bootstrap,
            PlainCpuMs = plainCpu,
            BootstrapCpuMs = bootstrapCpu,
        };
        await output.WriteLineAsync($"""
            {"start of a replica to its first answer",-42}{"median",9}{"least",9}{"most",9}{"cpu",9}
            {Row("plain redis-server", plain, plainCpu)}
            {Row("redis-bootstrap, 3 Sentinels up", bootstrap, bootstrapCpu)}
            added by redis-bootstrap: {result.AddedMs:0.0} ms; budget {BudgetMilliseconds:0} ms{(result.WithinBudget ? "" : ": OVER BUDGET")} (load at the end {result.LoadAfter})
            """);
        return result;
    }

    private static async Task PlainStartAsync(
        LocalGroup group, LocalNode replica, List<double> wall, List<double> cpu, CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var server = await ServerProcess.StartAsync(
            new ServerStart("redis-server", Path.Combine(replica.ConfigFolder, "redis.conf"))
            { Name = replica.Name, WorkingDirectory = replica.DataFolder });
        wall.Add(await AnswerAsync(replica, started));
        cpu.Add(CpuMilliseconds(server.Pid));
        // In both cases the next start finds a replica that was linked, and no Sentinel that thinks it down.
        await using (var client = await group.ConnectAsync(replica, StartDeadline, cancellation))
        {
            await Eventually.UntilAsync(
                "the plain replica's link",
                async () => (await client.CallAsync(cancellation, "INFO", "replication")).Text
                    .Contains("master_link_status:up", StringComparison.Ordinal),
                cancellation: cancellation);
        }

    }

    private static async Task BootstrapStartAsync(
        LocalGroup group, LocalNode replica, List<double> wall, List<double> cpu, CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        await replica.StartAsync();
        wall.Add(await AnswerAsync(replica, started));
        cpu.Add(CpuMilliseconds(replica.Process!.Pid));
        await group.WaitForAsync("the replica's link", state => state.Of(replica).LinkUp, cancellation: cancellation);
    }

    private static async Task<double> AnswerAsync(LocalNode node, long started)
    {
        while (!await InlinePing.AnswersAsync(node.Endpoint.Port))
            if (TimeProvider.System.GetElapsedTime(started) > StartDeadline) throw new TimeoutException($"{node} did not answer.");
        return Math.Round(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds, 2);
    }

    // utime and stime, fields 14 and 15 of /proc/PID/stat, in hundredths of a second; threads that have ended included.
    private static double CpuMilliseconds(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) * 10;
    }

    private static string Row(string name, List<double> values, List<double> cpu) =>
        $"{name,-42}{Median(values),6:0.0} ms{values.Min(),6:0.0} ms{values.Max(),6:0.0} ms{cpu.Average(),6:0.0} ms";

    private static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 2);
    }
}
