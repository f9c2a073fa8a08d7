using Sidecars.Core.Primitives;
using Sidecars.Failover.LedAway;
using Sidecars.Unit.Tests.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Failover.LedAway;

public sealed class GroupMembersTests
{
    private static readonly RedisEndpoint Outside = new("10.0.0.9", 6379), Third = new("10.0.0.3", 6379);
    private readonly SteppedTime _time = new();
    private int _reads;

    [Theory]
    [InlineData(3, true)]
    [InlineData(2, false)] // one node is not known: it may be that one
    public async Task An_address_is_foreign_where_every_node_is_known_to_be_elsewhere(int nodes, bool isForeign)
    {
        var members = Members(_ => Task.FromResult(new RecordReading(Group(nodes))));
        Assert.False(members.IsForeign(Outside)); // nothing was read yet
        await members.ReadAsync(default);
        Assert.Equal(isForeign, members.IsForeign(Outside));
        Assert.False(members.IsForeign(new("10.0.0.1", 6379)));
    }

    [Fact]
    public async Task It_is_read_once_a_minute_and_what_can_not_be_read_is_forgotten()
    {
        RecordedGroup? group = Group(3);
        var members = Members(_ => Task.FromResult(new RecordReading(group, group is null ? "away" : null)));
        for (var i = 0; i < 59; i++)
        {
            await members.ReadAsync(default);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((1, true), (_reads, members.IsForeign(Outside)));
        group = null;
        _time.Advance(TimeSpan.FromSeconds(1));
        await members.ReadAsync(default);
        Assert.Equal((2, false), (_reads, members.IsForeign(Outside)));
    }

    [Fact]
    public async Task A_record_that_does_not_answer_is_waited_for_a_second()
    {
        var members = Members(async cancellation =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return new RecordReading(Group(3));
        });
        var refresh = members.ReadAsync(default);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(refresh.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await refresh;
        Assert.False(members.IsForeign(Third));
        using var stop = new CancellationTokenSource();
        _time.Advance(TimeSpan.FromMinutes(1));
        var stopped = members.ReadAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
    }

    private GroupMembers Members(Func<CancellationToken, Task<RecordReading>> read) => new(
        cancellation =>
        {
            _reads++;
            return read(cancellation);
        },
        3, _time);

    private static RecordedGroup Group(int nodes) => new(
        [.. Enumerable.Range(1, nodes).Select(n => new NodeAnnouncement($"redis-{n}", new($"10.0.0.{n}", 6379)))],
        1, null, "redis-1", new FencingToken(1, 4, 0));
}
