using Sidecars.Bootstrap;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>A node that may not start, for an hour: WAIT_DEADLINE ends it.</summary>
public sealed class BootstrapRunnerTests : IDisposable
{
    private readonly RoundRig _rig = new(ServerMode.Redis);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_volume_of_another_tenant_is_waited_for_told_of_once_and_shown_alive_until_the_deadline()
    {
        Assert.True(ClusterId.TryParse("another/tenant", out var other));
        var marker = new Marker(
            other, new NodeIdentity("redis-0", "uid"), "boot", FencingToken.None, LineageHistory.Empty, MarkerRole.Unknown, 0);
        Assert.True(new MarkerStore(_rig.Data).TryWrite(marker, out _));
        var heartbeat = Path.Combine(_rig.Options.Group.ConfigDirectory, "bootstrap.json");
        var runner = new BootstrapRunner(_rig.Options, _rig.Log, () => true, _rig.Time, new Random(1));
        var running = _rig.Start(runner.RunAsync);
        await OnThreadAsync(() =>
        {
            // The round, and the heartbeat.
            _rig.Run(TimeSpan.FromMinutes(59), running, sleepers: 2);
            _rig.Time.Settle(() => _rig.Time.GetUtcNow() - Heartbeats.TryRead(heartbeat)!.WrittenAt < HeartbeatFile.Interval);
            Assert.Equal("volume-of-another-tenant", Heartbeats.TryRead(heartbeat)!.Code);
            Assert.InRange(_rig.Lines.Length, 1, 3);
            Assert.False(running.IsCompleted);
            _rig.Run(TimeSpan.FromMinutes(1), running, sleepers: 2);
        });
        Assert.Equal(ExitCode.Failed, await running);
        Assert.Contains("WAIT_DEADLINE", _rig.Lines[^1], StringComparison.Ordinal);
    }
}
