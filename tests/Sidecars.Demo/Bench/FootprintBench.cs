using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// What <c>redis-failover run</c> costs while nothing happens: beside each Redis of a healthy group of 3 + 3, scraped every 15 s, and
/// redis_exporter beside the same master for comparison where it is installed. Memory and CPU are read from /proc over a minute in
/// which nobody traces; the share is PSS, which counts a page that several processes map (three sidecars here) in parts; system calls are
/// counted afterwards by <c>strace -c -f</c>, which slows what it counts.
/// </summary>
internal sealed record FootprintBench : IBenchResult
{
    private const double MostResidentMb = 20;
    private const double TicksPerSecond = 100; // USER_HZ, fixed in the kernel's interface
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Traced = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Scrape = TimeSpan.FromSeconds(15);
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required Machine Machine { get; init; }

    public required string LoadAfter { get; init; }

    public required IReadOnlyList<Row> Rows { get; init; }

    public required string? Skipped { get; init; }

    public bool WithinBudget => Rows[0].ResidentMb <= MostResidentMb;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "footprint" });
        await group.StartAsync(cancellation: cancellation);
        var master = (await group.WaitHealthyAsync(cancellation: cancellation)).Master!.Node;
        var sidecars = new List<(LocalNode Node, ServerProcess Process, int Port)>();
        ServerProcess? exporter = null;
        try
        {
            foreach (var node in group.Redis)
            {
                var port = FreePort.Next();
                sidecars.Add((node, await group.StartSidecarAsync(node, new Dictionary<string, string>
                {
                    ["METRICS_PORT"] = port.ToString(CultureInfo.InvariantCulture),
                    ["DNS_NAME"] = "redis.example.org",
                    ["ZONE_FILE"] = Path.Combine(group.Folder, "zone"),
                }), port));
            }

            var exporterPort = FreePort.Next();
            var program = Command.Find("prometheus-redis-exporter") ?? Command.Find("redis_exporter");
            if (program is not null)
                exporter = await ServerProcess.StartAsync(new ServerStart(
                    program, "-redis.addr", $"redis://{master.Endpoint}", "-web.listen-address", $"127.0.0.1:{exporterPort}"));

            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var scraping = ScrapeAsync([.. sidecars.Select(s => s.Port), .. exporter is null ? [] : (int[])[exporterPort]], stop.Token);
            await Task.Delay(Settle, TimeProvider.System, cancellation);
            var beside = sidecars.Single(s => s.Node == master).Process;
            var other = sidecars.First(s => s.Node != master).Process;
            (string Name, ServerProcess Process)[] watched = [("redis-failover run, beside the master", beside),
                ("redis-failover run, beside a replica", other),
                .. exporter is null ? [] : ((string, ServerProcess)[])[("redis_exporter", exporter)]];
            var before = watched.Select(w => Look.At(w.Process.Pid)).ToArray();
            await Task.Delay(Measured, TimeProvider.System, cancellation);
            var after = watched.Select(w => Look.At(w.Process.Pid)).ToArray();
            var calls = new List<IReadOnlyDictionary<string, double>?>();
            foreach (var (_, process) in watched) calls.Add(await TraceAsync(process.Pid, group.Folder, cancellation));
            await stop.CancelAsync();
            await scraping;

            var rows = watched.Select((w, i) => Row.Of(w.Name, before[i], after[i], calls[i])).ToArray();
            var result = new FootprintBench
            {
                Machine = machine,
                LoadAfter = Machine.Load(),
                Rows = rows,
                Skipped = exporter is null ? "redis_exporter is not installed (apt-get install prometheus-redis-exporter)" : null,
            };
            await output.WriteLineAsync(
                "idle, a minute                           RSS MB   of it anonymous   share MB   peak MB   threads   CPU ms   "
                + "switches   system calls");
            foreach (var row in rows)
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{row.Name,-40}{row.ResidentMb,7:0.0}{row.AnonymousMb,18:0.0}{row.ShareMb,11:0.0}{row.PeakMb,10:0.0}"
                    + $"{row.Threads,10}{row.CpuMs,9:0}{row.Switches,11:0}{row.CallsText,15}"));
            foreach (var row in rows.Where(r => r.MostFrequent.Count > 0))
                await output.WriteLineAsync($"  {row.Name}: {string.Join(", ", row.MostFrequent)}");
            if (result.Skipped is { } why) await output.WriteLineAsync("SKIPPED: " + why);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"aim: RSS at most {MostResidentMb:0} MB: {(result.WithinBudget ? "ok" : "missed")}; load at the end {result.LoadAfter}"));
            return result;
        }
        finally
        {
            if (exporter is not null) await exporter.DisposeAsync();
            foreach (var (_, process, _) in sidecars) await process.DisposeAsync();
        }
    }

    private static async Task ScrapeAsync(int[] ports, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        while (!cancellation.IsCancellationRequested)
        {
            foreach (var port in ports)
            {
                try
                {
                    _ = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), cancellation);
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    // Not up yet, or the end.
                }
            }

            await Task.Delay(Scrape, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Calls a minute by name; null where nothing can trace.
    private static async Task<IReadOnlyDictionary<string, double>?> TraceAsync(int pid, string folder, CancellationToken cancellation)
    {
        if (Command.Find("strace") is not { } strace || Command.Find("timeout") is not { } timeout) return null;
        var file = Path.Combine(folder, FormattableString.Invariant($"strace-{pid}"));
        await using (var tracer = await ServerProcess.StartAsync(
            new ServerStart(timeout, "-s", "INT", FormattableString.Invariant($"{Traced.TotalSeconds:0}"), strace, "-c", "-f", "-o", file,
                "-p", FormattableString.Invariant($"{pid}"))))
            await Eventually.UntilAsync(
                "strace to end", () => !tracer.Running, Traced + TimeSpan.FromSeconds(20), cancellation: cancellation);
        if (!File.Exists(file)) return null;
        // % time, seconds, usecs/call, calls, [errors], name
        var calls = new Dictionary<string, double>();
        foreach (var words in (await File.ReadAllLinesAsync(file, cancellation))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            if (words.Length is 5 or 6 && words[^1] != "total" && double.TryParse(words[3], CultureInfo.InvariantCulture, out var count))
                calls[words[^1]] = count * 60 / Traced.TotalSeconds;
        return calls.Count == 0 ? null : calls;
    }

    /// <summary>/proc of one process.</summary>
    internal sealed record Look(
        double ResidentKb, double AnonymousKb, double ShareKb, double PeakKb, int Threads, double CpuTicks, double Switches)
    {
        public static Look At(int pid)
        {
            var status = Status($"/proc/{pid}/status");
            var switches = 0.0;
            foreach (var task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
            {
                var one = Status(task + "/status");
                switches += one.GetValueOrDefault("voluntary_ctxt_switches") + one.GetValueOrDefault("nonvoluntary_ctxt_switches");
            }

            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // from field 3 on
            return new Look(
                status["VmRSS"], status["RssAnon"], Status($"/proc/{pid}/smaps_rollup").GetValueOrDefault("Pss"), status["VmHWM"],
                (int)status["Threads"],
                double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture), switches);
        }

        private static Dictionary<string, double> Status(string file) =>
            File.ReadAllLines(file).Select(line => line.Split((char[])[':', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
                .Where(words => words.Length > 1 && double.TryParse(words[1], CultureInfo.InvariantCulture, out _))
                .ToDictionary(words => words[0], words => double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>One process; figures a minute where they count events.</summary>
    internal sealed record Row(string Name, double ResidentMb, double AnonymousMb, double ShareMb, double PeakMb, int Threads, double CpuMs,
        double Switches, double? SystemCalls, IReadOnlyList<string> MostFrequent)
    {
        [JsonIgnore]
        public string CallsText => SystemCalls?.ToString("0", CultureInfo.InvariantCulture) ?? "no strace";

        public static Row Of(string name, Look a, Look b, IReadOnlyDictionary<string, double>? calls)
        {
            return new Row(
                name, b.ResidentKb / 1024, b.AnonymousKb / 1024, b.ShareKb / 1024, b.PeakKb / 1024, b.Threads,
                (b.CpuTicks - a.CpuTicks) * 1000 / TicksPerSecond, Math.Max(0, b.Switches - a.Switches), calls?.Values.Sum(),
                [.. (calls ?? new Dictionary<string, double>()).OrderByDescending(c => c.Value).Take(6)
                    .Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value:0}"))]);
        }
    }
}
