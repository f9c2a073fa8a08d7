using Sidecars.Core.Hosting;
using Sidecars.Failover.Status;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed class WaitReaderTests
{
    [Fact]
    public void It_reads_what_redis_bootstrap_writes_until_that_is_old()
    {
        using var folder = new TempFolder("wait");
        var time = new VirtualTime();
        var path = folder.File(HeartbeatFile.Name);
        Assert.Null(WaitReader.Read(folder.Path, time.GetUtcNow()));

        Assert.Null(new HeartbeatFile(path, "redis-bootstrap redis", time).Beat("election-wait", "two are absent", "redis-1", "redis-2"));
        time.Skip(TimeSpan.FromSeconds(10));
        var wait = WaitReader.Read(folder.Path, time.GetUtcNow())!;
        Assert.Equal(("election-wait", "two are absent", TimeSpan.FromSeconds(10)), (wait.Code, wait.Reason, wait.For));
        Assert.Equal(["redis-1", "redis-2"], wait.WaitingFor.AsEnumerable());

        time.Skip(HeartbeatFile.MaxAge);
        Assert.Null(WaitReader.Read(folder.Path, time.GetUtcNow()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"code\":1}")]
    [InlineData("null")]
    public void Anything_else_is_no_wait(string text)
    {
        using var folder = new TempFolder("wait");
        File.WriteAllText(folder.File(HeartbeatFile.Name), text);
        Assert.Null(WaitReader.Read(folder.Path, DateTimeOffset.UnixEpoch));
    }
}
