using System.Text.RegularExpressions;
using Sidecars.TestKit.Pages;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>Settings: all mistakes at once, by their names; the help, the page of settings and the code know the same ones.</summary>
public partial class OptionsTests
{
    [Fact]
    public async Task Every_mistake_is_listed_at_once_with_its_variable()
    {
        var result = await RunAsync(
            ["run"],
            ("CLUSTER_ID", "a b"), ("BACKUP_STORE", "relative/path"), ("BACKUP_KEYS", "short"), ("BACKUP_FLUSH", "soon"),
            ("BACKUP_LEASE_LIFE", "30000"), ("BACKUP_OUT_OF_SYNC", "1"),
            ("DURABILITY", "maybe"), ("APPEND_DIR_NAME", "a/b"), ("REDIS_PORT", "70000"), ("TLS_CERT_FILE", "/x"),
            ("SIDECAR_PASSWORD", "a"), ("SIDECAR_PASSWORD_FILE", "/b"), ("METRICS_PORT", "-1"), ("BACKUP_S3_LOCK_MODE", "loose"));
        Assert.Equal(2, result.ExitCode);
        foreach (var name in (string[])["CLUSTER_ID", "BACKUP_STORE", "BACKUP_KEYS", "BACKUP_FLUSH", "BACKUP_LEASE_LIFE",
            "BACKUP_OUT_OF_SYNC", "DURABILITY", "APPEND_DIR_NAME", "REDIS_PORT", "TLS_CERT_FILE", "SIDECAR_PASSWORD", "METRICS_PORT",
            "BACKUP_S3_LOCK_MODE"])
            Assert.Contains(name, result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("short", result.Output, StringComparison.Ordinal); // a key, however wrong, is a secret
    }

    [Theory]
    [InlineData("s3://no_such/prefix", null, null, "BACKUP_STORE")]
    [InlineData("s3://bucket/a/../b", null, null, "BACKUP_STORE")]
    [InlineData("s3://bucket/prefix", "BACKUP_S3_ENDPOINT", "ftp://host", "BACKUP_S3_ENDPOINT")]
    [InlineData("s3://bucket/prefix", "BACKUP_S3_KMS_KEY", "alias/x", "BACKUP_S3_ENCRYPTION=kms")]
    [InlineData("s3://bucket/prefix", "BACKUP_KEYS_FILE", "/does/not/exist", "BACKUP_KEYS_FILE")]
    public async Task A_wrong_store_is_a_wrong_setting(string store, string? name, string? value, string named)
    {
        var result = await RunAsync(["list"], name is null ? [("BACKUP_STORE", store)] : [("BACKUP_STORE", store), (name, value!)]);
        Assert.Equal((2, true), (result.ExitCode, result.Output.Contains(named, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Nothing_set_is_one_mistake_and_help_and_version_need_nothing()
    {
        var nothing = await RunAsync(["list"]);
        Assert.Equal(2, nothing.ExitCode);
        Assert.Contains("BACKUP_STORE is not set", nothing.Output, StringComparison.Ordinal);
        var help = (await RunAsync(["--help"])).Succeeded().Output;
        foreach (var part in (string[])["run", "now", "list", "show", "restore", "verify", "prune", "Exit codes: 0 done"])
            Assert.Contains(part, help, StringComparison.Ordinal);
        Assert.Contains("--new-cluster-id", (await RunAsync(["restore", "--help"])).Succeeded().Output, StringComparison.Ordinal);
        (await RunAsync(["--version"])).Succeeded();
        Assert.Equal(2, (await RunAsync(["restore", "--frobnicate"], ("BACKUP_STORE", "/x"))).ExitCode);
        Assert.Equal(2, (await RunAsync(["frobnicate"], ("BACKUP_STORE", "/x"))).ExitCode);
    }

    [Fact]
    public async Task Help_and_the_page_of_settings_know_the_same_settings()
    {
        var help = (await RunAsync(["--help"])).Succeeded().Output;
        var shown = Line().Matches(help).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("BACKUP_STORE", shown);
        Assert.Equal(SettingsPage.Names("redis-backup"), shown.Order(StringComparer.Ordinal));
    }

    // Output is kept by lines; a setting's begins with two blanks.
    [GeneratedRegex(@"^  redis-backup\| +([A-Z][A-Z0-9_]+) \(", RegexOptions.Multiline)]
    private static partial Regex Line();

    private static async Task<CliResult> RunAsync(string[] arguments, params (string Name, string Value)[] settings)
    {
        var environment = settings.ToDictionary(s => s.Name, s => s.Value);
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root) environment["DOTNET_ROOT"] = root;
        await using var process =
            await ServerProcess.StartAsync(new ServerStart(BackupRig.Executable, arguments) { Environment = environment });
        var code = await process.WaitForExitAsync(TimeSpan.FromSeconds(30));
        return new CliResult(code, process.Tail(1000));
    }
}
