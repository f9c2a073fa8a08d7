using System.Globalization;
using System.Runtime.InteropServices;
using Sidecars.Manifests.Tests.Release;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>
/// scripts/publish for arm64 on an x86-64 machine, by the smallest executable, which takes 40 s where sources have changed. The result
/// is started by qemu.
/// </summary>
public sealed class CrossPublishTests
{
    private const string Qemu = "qemu-aarch64-static";

    // The C library of the target, where Debian's cross package puts it; qemu prefixes the paths of a program with it.
    private static readonly string[] Emulated = ["-L", "/usr/aarch64-linux-gnu"];

    [CrossFact]
    public async Task The_probe_is_compiled_for_arm64_and_answers_under_emulation()
    {
        var published = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "publish"), ["redis-probe", "--rid", "linux-arm64"]);

        Assert.True(published.ExitCode == 0, published.Output + published.Error);
        var probe = Path.Combine(Repository.Root, "artifacts", "native-arm64", "redis-probe");
        Assert.Equal(ReleaseRepository.Arm64, Machine(probe));
        var version = await Tool.RunAsync(Qemu, [.. Emulated, probe, "--version"]);
        Assert.Equal((0, $"redis-probe {Versions.Tree}\n"), (version.ExitCode, version.Output));
        await using var redis = await RedisProcess.StartAsync();
        Assert.Equal((0, "alive: PONG\n"), await LivenessAsync(probe, redis.Port));
        await redis.Process.KillAsync();
        var (code, said) = await LivenessAsync(probe, redis.Port);
        Assert.Equal(1, code);
        Assert.Contains("not alive: nothing listens", said, StringComparison.Ordinal);
    }

    [ToolTheory("bash")]
    [InlineData("linux-riscv64")]
    [InlineData("win-x64")]
    public async Task Another_platform_is_refused_before_anything_is_published(string rid)
    {
        var result = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "publish"), ["--rid", rid]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"to '{rid}' is not supported", result.Error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> LivenessAsync(string probe, int port)
    {
        var result = await Tool.RunAsync(Qemu, [.. Emulated, probe, "liveness"], new Dictionary<string, string>
        {
            ["REDIS_HOST"] = "127.0.0.1",
            ["REDIS_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["PROBE_TIMEOUT"] = "8s",
            ["CONFIG_DIR"] = "/nonexistent",
            ["CLUSTER_ID"] = "tenant/redis",
        });
        return (result.ExitCode, result.Output);
    }

    // e_machine of the ELF header.
    private static int Machine(string file)
    {
        var header = new byte[20];
        using var stream = File.OpenRead(file);
        stream.ReadExactly(header);
        Assert.Equal("\u007fELF"u8, header.AsSpan(0, 4));
        return BitConverter.ToUInt16(header, 18);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CrossFactAttribute : FactAttribute
    {
        public CrossFactAttribute() => Skip = RuntimeInformation.ProcessArchitecture != Architecture.X64
            ? "compiles for arm64 on x86-64 only"
            : new[] { "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objcopy", Qemu }.All(tool => Tool.Find(tool) is not null)
            ? null
            : "the cross tools or qemu-user are not installed (scripts/setup --arm64)";
    }
}
