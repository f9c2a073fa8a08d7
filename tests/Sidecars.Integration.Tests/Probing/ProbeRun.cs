using System.Diagnostics;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>One run of the native redis-probe, with nothing in its environment but what is given.</summary>
internal sealed record ProbeRun(int Code, string Output, string Errors)
{
    /// <summary>Long enough that no healthy server misses it on a busy machine.</summary>
    public const int Patient = 8000;

    public static async Task<ProbeRun> RunAsync(
        string arguments, IReadOnlyDictionary<string, string> environment, string program = "redis-probe")
    {
        var info = new ProcessStartInfo(
            program.Contains('/', StringComparison.Ordinal) ? program : Repository.NativeExecutable(program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in environment) info.Environment[name] = value;
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new ProbeRun(process.ExitCode, output.TrimEnd('\n'), await errors);
    }

    public static Dictionary<string, string> At(
        RedisEndpoint endpoint, int milliseconds = Patient, params (string Name, string Value)[] more)
    {
        var port = endpoint.Port.ToString(CultureInfo.InvariantCulture);
        var environment = new Dictionary<string, string>
        {
            ["REDIS_HOST"] = endpoint.Host,
            ["REDIS_PORT"] = port,
            ["SENTINEL_PORT"] = port,
            ["PROBE_TIMEOUT"] = milliseconds.ToString(CultureInfo.InvariantCulture),
            ["CONFIG_DIR"] = "/nonexistent",
            ["CLUSTER_ID"] = "tenant/redis",
        };
        foreach (var (name, value) in more) environment[name] = value;
        return environment;
    }

    /// <summary>A row of the truth table: the three verdicts, and a piece of each message. The message is one line.</summary>
    public static async Task RowAsync(Dictionary<string, string> environment, (bool Pass, string Says) startup,
        (bool Pass, string Says) liveness, (bool Pass, string Says) readiness)
    {
        foreach (var (kind, (pass, says)) in new[] { ("startup", startup), ("liveness", liveness), ("readiness", readiness) })
        {
            var run = await RunAsync(kind, environment);
            Assert.True((pass ? 0 : 1) == run.Code && run.Output.Contains(says, StringComparison.Ordinal)
                && !run.Output.Contains('\n', StringComparison.Ordinal) && run.Errors.Length == 0,
                $"{kind}: expected {(pass ? 0 : 1)} and '{says}', got {run.Code} and '{run.Output}' {run.Errors}");
        }
    }
}
