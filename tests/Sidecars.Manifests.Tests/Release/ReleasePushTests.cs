using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>A push of scripts/release that ended half-way, and the same command after it.</summary>
public sealed class ReleasePushTests : IAsyncLifetime, IDisposable
{
    private ReleaseRepository _repository = null!;
    private string _key = "";

    // The names that were sent, in order.
    private string[] Sent => [.. _repository.Calls.Select(call => call.Split("docker://registry.example:5000/team/")[1].Split(':')[0])];

    public async Task InitializeAsync()
    {
        if (Tool.Missing(["kubectl", "git", "openssl"]) is not null) return; // the tests are skipped
        _repository = await ReleaseRepository.CreateAsync();
        var refuses = _repository.File("calls.refuses");
        await File.WriteAllTextAsync(refuses, "/sentinel:");
        _key = await _repository.KeyAsync("EC", "-pkeyopt", "ec_paramgen_curve:P-256");

        var half = await _repository.MakeAsync("out", "--push", "--key", _key);

        Assert.Equal(1, half.ExitCode);
        Assert.Contains("run the same command again", half.Error, StringComparison.Ordinal);
        Assert.Equal(["redis", "sentinel"], Sent);
        File.Delete(refuses);
        File.Delete(_repository.File("calls"));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _repository?.Dispose();

    [ToolFact("kubectl", "git", "openssl")]
    public async Task The_same_command_sends_what_is_missing_of_the_folder_that_stayed()
    {
        var before = await ChecksumsAsync();

        var result = await AgainAsync();

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(["sentinel", "charts/sidecars"], Sent);
        Assert.Contains($"team/redis:{Versions.Tree} is there already\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(before, await ChecksumsAsync());

        // And once more, when all of it is there.
        File.Delete(_repository.File("calls"));
        Assert.Equal(0, (await AgainAsync()).ExitCode);
        Assert.Empty(_repository.Calls);
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task What_somebody_else_pushed_under_a_name_meanwhile_is_not_overwritten()
    {
        var chart = _repository.File($"calls.registry/registry.example:5000/team/charts/sidecars@{Versions.Tree}");
        Directory.CreateDirectory(Path.GetDirectoryName(chart)!);
        await File.WriteAllTextAsync(chart, "{}");

        await RefusedAsync("charts/sidecars:" + Versions.Tree + " is there already with other bytes");

        Assert.Equal("{}", await File.ReadAllTextAsync(chart));
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_folder_that_was_changed_is_not_pushed()
    {
        await File.AppendAllTextAsync(_repository.File("out/release.pub"), "more\n");
        await RefusedAsync("is another release");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_folder_of_another_commit_is_not_pushed()
    {
        await _repository.CommitAsync("two");
        await RefusedAsync("is another release");
    }

    private Task<ToolResult> AgainAsync() => _repository.MakeAsync("out", "--push", "--key", _key);

    private async Task RefusedAsync(string message)
    {
        var before = await ChecksumsAsync();

        var result = await AgainAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(_repository.Calls);
        Assert.Equal(before, await ChecksumsAsync());
    }

    // Of every file, its signature too.
    private Task<string> ChecksumsAsync() => ReleaseRepository.RunAsync(
        "sh", "-c", $"cd '{_repository.File("out")}' && find . -type f -exec sha256sum {{}} + | sort");
}
