using System.Runtime.InteropServices;
using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>What scripts/release refuses, before it makes anything or with nothing left of what it made.</summary>
public sealed class ReleaseRefusalTests : IAsyncLifetime, IDisposable
{
    private ReleaseRepository _repository = null!;

    public async Task InitializeAsync()
    {
        if (Tool.Missing(["kubectl", "git", "openssl"]) is null) _repository = await ReleaseRepository.CreateAsync();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _repository?.Dispose();

    [ToolTheory("kubectl", "git", "openssl")]
    [InlineData("which VERSION")]
    [InlineData("--registry is needed", "0.1.0")]
    [InlineData("not a semantic version", "v0.1.0", "--registry", "registry.example")]
    [InlineData("not a semantic version", "0.1", "--registry", "registry.example")]
    [InlineData("not a semantic version", "01.0.0", "--registry", "registry.example")]
    [InlineData("not a semantic version", "1.0.0+build", "--registry", "registry.example")]
    [InlineData("it must be a name", "0.1.0", "--registry", "https://registry.example")]
    [InlineData("of amd64 and arm64", "0.1.0", "--registry", "registry.example", "--platforms", "riscv64")]
    [InlineData("a tag can be moved", "0.1.0", "--registry", "registry.example", "--base", "redis:7")]
    [InlineData("can't be read", "0.1.0", "--registry", "registry.example", "--key", "/nonexistent")]
    [InlineData("there is no folder", "0.1.0", "--registry", "registry.example", "--images", "/nonexistent")]
    [InlineData("it must be sha256:", "0.1.0", "--registry", "registry.example", "--exporter-digest", "1")]
    [InlineData("needs a value", "0.1.0", "--registry")]
    [InlineData("unknown argument --sign", "0.1.0", "--sign")]
    [InlineData("one VERSION", "0.1.0", "0.2.0")]
    public async Task Wrong_arguments_are_named(string message, params string[] arguments)
    {
        var result = await _repository.ReleaseAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl", "git", "openssl")]
    [InlineData("standing", "{}", "is there already with other bytes")]
    [InlineData("says", "dial tcp: i/o timeout", "it can't be seen whether")]
    public async Task What_may_stand_in_the_registry_is_not_overwritten(string file, string text, string message)
    {
        await File.WriteAllTextAsync(_repository.File($"calls.{file}"), text);
        var result = await _repository.MakeAsync("out", "--push");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(_repository.Calls);
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_dry_run_says_what_would_be_made_and_makes_nothing()
    {
        var result = await _repository.MakeAsync("out", "--dry-run");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"{Versions.Tree} of {_repository.Commit[..12]}", result.Error, StringComparison.Ordinal);
        Assert.Contains("arm64 from", result.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(_repository.File("out")));
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task What_is_no_commit_is_not_released()
    {
        await File.WriteAllTextAsync(Path.Combine(_repository.Root, "manifests", "new.yaml"), "---\n");
        await RefusedAsync("the working copy has changes");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task Another_version_than_the_commits_is_refused()
    {
        var result = await _repository.ReleaseAsync("9.9.9-rc.1", "--registry", "registry.example", "--dry-run");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("change <Version> in Directory.Build.props", result.Error, StringComparison.Ordinal);
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_tag_of_another_commit_is_not_made_again()
    {
        await _repository.GitAsync("tag", $"v{Versions.Tree}");
        Assert.Equal(0, (await _repository.MakeAsync("out", "--dry-run")).ExitCode);
        await _repository.CommitAsync("two");
        await RefusedAsync("is another commit's");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_folder_that_is_there_is_not_written_over()
    {
        Directory.CreateDirectory(_repository.File("out"));
        var result = await _repository.MakeAsync("out");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is there already", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_repository.File("out")));
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_platform_that_was_not_exported_is_named_with_what_would_bring_it()
    {
        var other = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? "arm64" : "amd64";
        Directory.Delete(Path.Combine(_repository.Exports, $"redis-{other}"), recursive: true);
        await RefusedAsync($"images of {other} are missing");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_key_that_is_none_of_the_two_kinds_is_refused() =>
        await RefusedAsync("neither Ed25519 nor EC", "--key", await _repository.KeyAsync("RSA"));

    [ToolFact("kubectl", "git", "openssl")]
    public async Task An_export_of_another_commit_leaves_nothing()
    {
        ExportedImage.Write(_repository.Exports, "sentinel", "arm64", new string('0', 40), ReleaseRepository.Arm64);
        await RefusedAsync("sentinel-arm64 was not built from this commit");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task An_executable_of_another_processor_leaves_nothing()
    {
        ExportedImage.Write(_repository.Exports, "redis", "arm64", _repository.Commit, ReleaseRepository.Amd64);
        await RefusedAsync("redis-bootstrap in redis-arm64 is no executable of arm64");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task Platforms_of_different_runtimes_leave_nothing()
    {
        ExportedImage.WriteSbom(_repository.Exports, "sentinel", "arm64",
            ("dotnet-runtime", "10.0.1", "FRAMEWORK"), ("libc6:arm64", "2.36-9", "LIBRARY"));
        await RefusedAsync("sentinel has dotnet-runtime 10.0.0 and 10.0.1 in amd64 and arm64");
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task Packages_of_the_base_that_differ_between_platforms_are_named()
    {
        ExportedImage.WriteSbom(_repository.Exports, "redis", "arm64",
            ("dotnet-runtime", "10.0.0", "FRAMEWORK"), ("libc6:arm64", "2.36-10", "LIBRARY"), ("only-here", "1", "LIBRARY"));

        var result = await _repository.MakeAsync("out");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("redis differs between amd64 and arm64: libc6 2.36-9 and 2.36-10\n", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("sentinel differs", result.Error, StringComparison.Ordinal);
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task A_damaged_export_leaves_nothing()
    {
        var blob = Directory.EnumerateFiles(Path.Combine(_repository.Exports, "redis-amd64", "blobs", "sha256")).First();
        await File.AppendAllTextAsync(blob, " ");
        await RefusedAsync("a blob is damaged");
    }

    private async Task RefusedAsync(string message, params string[] more)
    {
        var result = await _repository.MakeAsync("out", more);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_repository.File(".")).Select(entry => Path.GetFileName(entry)),
            name => name == "out" || name.StartsWith(".release-", StringComparison.Ordinal));
    }
}
