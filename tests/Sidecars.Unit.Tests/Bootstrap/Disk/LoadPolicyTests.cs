using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Unit.Tests.Core.Lineage;

namespace Sidecars.Unit.Tests.Bootstrap.Disk;

public sealed class LoadPolicyTests : IDisposable
{
    private readonly DataFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public void Data_that_are_not_to_be_trusted_are_put_aside_beside_a_master_and_never_elsewhere()
    {
        _data.WithAof(1).With(DataFolder.Increment, "garbage", 1);
        var evidence = _data.Read(Durability.Aof);
        Assert.Contains("not a command", Assert.IsType<LoadDecision.PutAside>(LoadPolicy.Decide(evidence, 0, follows: true)).Reason,
            StringComparison.Ordinal);
        Assert.IsType<LoadDecision.Load>(LoadPolicy.Decide(evidence, 0, follows: false)); // an election never names it
    }

    [Theory]
    [InlineData(0, true, null)]
    [InlineData(2, true, null)]
    [InlineData(2, false, null)]
    [InlineData(3, true, 0)]
    [InlineData(3, false, 10)]
    [InlineData(5, false, 40)]
    [InlineData(8, false, 300)]
    [InlineData(int.MaxValue, false, 300)]
    public void Starts_that_came_to_nothing_put_data_aside_or_wait(int failedStarts, bool follows, int? seconds)
    {
        _data.WithAof(1);
        var decision = LoadPolicy.Decide(_data.Read(Durability.Aof), failedStarts, follows);
        TimeSpan? pause = decision switch
        {
            LoadDecision.Load => null,
            LoadDecision.PutAside => TimeSpan.Zero,
            LoadDecision.TryAgainAfter later => later.Pause,
            _ => throw new InvalidOperationException(),
        };
        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : (TimeSpan?)null, pause);
    }

    [Fact]
    public void Without_data_or_durability_there_is_nothing_to_load()
    {
        Assert.IsType<LoadDecision.Load>(LoadPolicy.Decide(_data.Read(Durability.Aof), 9, follows: true));
        _data.With("dump.rdb", "REDIS", 1);
        Assert.IsType<LoadDecision.Load>(LoadPolicy.Decide(_data.Read(Durability.None), 9, follows: true));
    }

    [Fact]
    public void Starts_are_counted_on_the_same_files_until_a_server_has_served()
    {
        var record = new StartRecord(_data.Path);
        Assert.Null(record.Note(Facts())); // no files, and no directory of ours
        _data.WithAof(1).WithMarker(MarkerTests.Sample() with { RunId = null }, 1);
        for (var starts = 0; starts < 3; starts++)
        {
            Assert.Equal(starts, record.FailedStarts(Facts()));
            Assert.Null(record.Note(Facts()));
        }

        _data.WithMarker(MarkerTests.Sample() with { RunId = new string('a', 40) }, 2);
        Assert.Equal(0, record.FailedStarts(Facts())); // it has served
        _data.WithMarker(MarkerTests.Sample() with { RunId = null }, 3);
        Assert.Equal(3, record.FailedStarts(Facts()));
        _data.Touch(DataFolder.Increment, 5);
        Assert.Equal(0, record.FailedStarts(Facts())); // other files
        Assert.Null(record.Note(Facts()));
        Assert.Equal(1, record.FailedStarts(Facts()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"files\":1,\"starts\":1}")]
    [InlineData("{\"files\":\"x\",\"starts\":-1}")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[")]
    public void A_record_that_cannot_be_read_counts_nothing(string content)
    {
        _data.WithAof(1).With(".sidecar/starts.json", content, 1);
        Assert.Equal(0, new StartRecord(_data.Path).FailedStarts(Facts()));
        Assert.Null(new StartRecord(_data.Path).Note(Facts()));
        Assert.Equal(1, new StartRecord(_data.Path).FailedStarts(Facts()));
    }

    private DiskFacts Facts() => _data.Read(Durability.Aof).Facts;
}
