using Sidecars.Backup.Tail;
using Sidecars.Core.Lineage;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Backup;

public sealed class AofDirectoryTests : IDisposable
{
    private readonly TempFolder _folder = new("aof");
    private readonly AofDirectory _aof;

    public AofDirectoryTests() => _aof = new AofDirectory(_folder.Path, DataLayout.Default);

    public void Dispose() => _folder.Dispose();

    [Theory] // seconds between the manifest's change and the temporary increment's; null: there is none
    [InlineData(null, false)]
    [InlineData(-1, false)] // a crash's leftover: a rewrite has ended since
    [InlineData(0, true)]
    [InlineData(5, true)]
    public void A_temporary_increment_that_is_not_older_than_the_manifest_means_behind_the_server(int? laterBy, bool expected)
    {
        var manifest = _folder.Write($"{DataLayout.Default.AppendDirectory}/{DataLayout.Default.ManifestFile}", "");
        if (laterBy is { } seconds)
            File.SetLastWriteTimeUtc(_folder.Write($"{DataLayout.Default.AppendDirectory}/temp-appendonly.aof.incr", ""),
                File.GetLastWriteTimeUtc(manifest).AddSeconds(seconds));
        Assert.Equal(expected, _aof.IsBehindServer);
    }

    [Fact]
    public void Without_a_manifest_there_is_nothing_to_be_behind()
    {
        _folder.Write($"{DataLayout.Default.AppendDirectory}/temp-appendonly.aof.incr", "");
        Assert.False(_aof.IsBehindServer);
    }

    [Fact]
    public void What_is_no_snapshot_is_not_pinned()
    {
        Assert.Contains("has not saved yet", Assert.Throws<IOException>(_aof.PinSnapshot).Message, StringComparison.Ordinal);
        _folder.Write(DataLayout.Default.RdbFile, "hello");
        Assert.Contains("is not a snapshot", Assert.Throws<IOException>(_aof.PinSnapshot).Message, StringComparison.Ordinal);
    }
}
