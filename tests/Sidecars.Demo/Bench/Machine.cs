using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Sidecars.Demo.Bench;

/// <summary>What figures depend on: without it they mean nothing.</summary>
internal sealed record Machine(string Processor, int Processors, string Kernel, string Redis, string LoadAverage)
{
    /// <summary>This machine, now.</summary>
    public static Machine Describe() => new(
        Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        RedisVersion(),
        Load());

    /// <summary>Runnable processes, averaged over 1, 5 and 15 minutes.</summary>
    public static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);

    public override string ToString() => $"{Processor}, {Processors} processors, Linux {Kernel}, Redis {Redis}, load {LoadAverage}";

    private static string? Line(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static string RedisVersion()
    {
        using var process = Process.Start(new ProcessStartInfo("redis-server", "--version") { RedirectStandardOutput = true })!;
        var words = process.StandardOutput.ReadToEnd().Split(' ');
        return words.FirstOrDefault(word => word.StartsWith("v=", StringComparison.Ordinal))?[2..] ?? "unknown";
    }
}
