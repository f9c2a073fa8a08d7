using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// What one probe costs, beside what people use instead: the native redis-probe against redis-cli, redis-cli in a shell, and a C
/// program that does the same exchange. Runs are interleaved, so that a busy moment of the machine meets all of them.
/// </summary>
internal sealed record ProbeBench : IBenchResult
{
    private const int Rounds = 250;
    private const double MostOfRedisCli = 0.55;
    private const double MostOfC = 3;
    private const double MostResidentKb = 4096;
    private const double MostBytes = 1_800_000;
    private const string MasterName = "default.redis";
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required Machine Machine { get; init; }

    public required string LoadAfter { get; init; }

    public required string Compiler { get; init; }

    public required long ExecutableBytes { get; init; }

    public required long TlsExecutableBytes { get; init; }

    public required IReadOnlyList<Row> Rows { get; init; }

    public required IReadOnlyList<string> OverBudget { get; init; }

    public bool WithinBudget => OverBudget.Count == 0;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        using var folder = new TempFolder("bench");
        var source = Path.Combine(Repository.Root, "tests", "Sidecars.Demo", "Bench");
        var peer = await CompileAsync(Path.Combine(source, "probe_peer.c"), folder.File("probe_peer"), cancellation);
        var runner = await CompileAsync(Path.Combine(source, "probe_runner.c"), folder.File("probe_runner"), cancellation);
        var (probe, tls) = (Repository.NativeExecutable("redis-probe"), Repository.NativeExecutable("redis-probe-tls"));

        await using var redis = await RedisProcess.StartAsync();
        await using var a = await SentinelProcess.MonitorAsync(MasterName, redis.Endpoint, 2);
        await using var b = await SentinelProcess.MonitorAsync(MasterName, redis.Endpoint, 2);
        await using var c = await SentinelProcess.MonitorAsync(MasterName, redis.Endpoint, 2);
        var (port, hosts) = (Text(redis.Port), $"REDIS_SENTINEL_SERVICE_HOST={a.Endpoint},{b.Endpoint},{c.Endpoint}");
        // One environment a runner, since /usr/bin/env would be an exec more: the rows that ask Sentinels are a group of their own.
        (string Name, string[] Command)[] plain =
        [
            ("redis-probe readiness", [probe, "readiness"]),
            ("redis-probe liveness", [probe, "liveness"]),
            ("redis-probe-tls readiness, plain", [tls, "readiness"]),
            ("redis-cli ping", ["redis-cli", "-p", port, "ping"]),
            ("sh -c 'redis-cli ping | grep PONG'", ["sh", "-c", $"redis-cli -p {port} ping | grep PONG"]),
            ("C, exchange of readiness", [peer, port]),
            ("C, nothing", [peer]),
        ];
        (string Name, string[] Command)[] asking =
        [
            ("redis-probe readiness, 3 Sentinels", [probe, "readiness"]),
            ("C, the same, 2 Sentinels asked", [peer, port, Text(a.Port), MasterName, Text(b.Port), MasterName]),
            ("redis-cli ping, beside these", ["redis-cli", "-p", port, "ping"]),
        ];
        List<Row> rows = [.. await MeasureAsync(runner, redis, plain, [], cancellation),
            .. await MeasureAsync(runner, redis, asking, [hosts], cancellation)];

        var (size, tlsSize) = (new FileInfo(probe).Length, new FileInfo(tls).Length);
        var (ready, cli, least) = (rows[0], rows[3], rows[5]);
        List<string> over = [];
        Check(over, "wall of readiness / redis-cli", ready.WallMs / cli.WallMs, MostOfRedisCli);
        Check(over, "wall of readiness / C", ready.WallMs / least.WallMs, MostOfC);
        Check(over, "wall of readiness with Sentinels / redis-cli", rows[7].WallMs / rows[9].WallMs, MostOfRedisCli);
        Check(over, "wall of readiness with Sentinels / C", rows[7].WallMs / rows[8].WallMs, MostOfC);
        Check(over, "resident KB", Math.Max(ready.ResidentKb, rows[7].ResidentKb), MostResidentKb);
        Check(over, "bytes of the executable", size, MostBytes);
        var result = new ProbeBench
        {
            Machine = machine,
            LoadAfter = Machine.Load(),
            Compiler = (await RunToEndAsync("cc", ["--version"], [], cancellation)).Split('\n')[0],
            ExecutableBytes = size,
            TlsExecutableBytes = tlsSize,
            Rows = rows,
            OverBudget = over,
        };
        await output.WriteLineAsync(
            $"median of {Rounds} interleaved runs     wall ms   own CPU us   server CPU us   peak RSS KB   / redis-cli   / C");
        for (var i = 0; i < rows.Count; i++)
        {
            // Beside what ran in turn with it.
            var (row, ofCli, ofC) = (rows[i], rows[i < plain.Length ? 3 : 9].WallMs, rows[i < plain.Length ? 5 : 8].WallMs);
            await output.WriteLineAsync(
                $"{row.Name,-36}{row.WallMs,9:0.00}{row.CpuUs,13:0}{row.ServerCpuUs,16:0}{row.ResidentKb,14:0}{row.WallMs / ofCli,14:0.00}{row.WallMs / ofC,6:0.0}");
        }

        await output.WriteLineAsync($"redis-probe {size:N0} bytes, redis-probe-tls {tlsSize:N0} bytes; load at the end {result.LoadAfter}");
        foreach (var budget in over) await output.WriteLineAsync("OVER BUDGET: " + budget);
        return result;

        async Task<List<Row>> MeasureAsync(
            string program, RedisProcess server, (string Name, string[] Command)[] commands, string[] variables, CancellationToken stop)
        {
            string[] arguments =
                [Text(Rounds), Text(server.Process.Pid), .. commands.SelectMany(command => (string[])[.. command.Command, "--"])];
            var lines = (await RunToEndAsync(program, arguments, [$"REDIS_PORT={port}", "PROBE_TIMEOUT=10000", .. variables], stop))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var runs = lines.Select(line => line.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray())
                .ToLookup(run => run[0]);
            return [.. commands.Select((command, i) => Row.Of(command.Name, [.. runs[i]]))];
        }
    }

    private static void Check(List<string> over, string what, double value, double most)
    {
        if (value > most) over.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {value:0.##}, at most {most:0.##}"));
    }

    private static async Task<string> CompileAsync(string source, string program, CancellationToken cancellation)
    {
        _ = await RunToEndAsync("cc", ["-O2", "-o", program, source], [], cancellation);
        return program;
    }

    private static async Task<string> RunToEndAsync(
        string program, IEnumerable<string> arguments, IEnumerable<string> variables, CancellationToken cancellation)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        foreach (var variable in variables) info.Environment[variable.Split('=', 2)[0]] = variable.Split('=', 2)[1];
        using var process = Process.Start(info)!;
        var text = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0 ? text : throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Medians of one command, and every run.</summary>
    internal sealed record Row(
        string Name, double WallMs, double CpuUs, double ServerCpuUs, double ResidentKb, IReadOnlyList<double> WallsMs)
    {
        /// <exception cref="InvalidOperationException">A run failed: its figures would mean nothing.</exception>
        public static Row Of(string name, IReadOnlyList<long[]> runs)
        {
            if (runs.Count != Rounds || runs.Any(run => run[5] != 0))
                throw new InvalidOperationException($"{name}: {runs.Count(run => run[5] != 0)} of {runs.Count} runs failed.");
            var walls = runs.Select(run => Math.Round(run[1] / 1e6, 3)).ToArray();
            return new Row(name, Median(walls), Median(runs.Select(run => (double)run[2])), Median(runs.Select(run => run[4] / 1e3)),
                runs.Max(run => run[3]), walls);
        }

        private static double Median(IEnumerable<double> values)
        {
            var sorted = values.Order().ToArray();
            return Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 3);
        }
    }
}
