using Sidecars.Core.Redis;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>Failure sequence 23: a living group gets other passwords, from Secrets that reach its nodes at different moments.</summary>
[Collection(GroupTests.Name)]
public sealed class PasswordRotationTests
{
    [Fact]
    public async Task No_command_fails_and_nobody_fails_over_while_every_password_changes()
    {
        await using var rig = new RotationRig("rotation");
        var group = rig.Group;
        var before = await group.StartHealthyAsync();
        var master = before.Master!.Node;
        var replicas = group.Redis.Where(n => n != master).ToArray();
        rig.StartSidecars();
        await rig.WaitAsync("settled");
        await using var load = WriteLoad.Start(rig.Clients);
        await using var visitors = Visitors.Start(group, master);

        // The new password is at the master and one replica; the other replica, and all Sentinels, have the old one.
        rig.Put(master, "new", "old");
        rig.Put(replicas[0], "new", "old");
        await rig.WaitAsync("redis-behind", [master, replicas[0]]);
        Assert.Contains($"{replicas[0]} default", await rig.AcceptedAsync("new"));
        Assert.DoesNotContain($"{replicas[1]} default", await rig.AcceptedAsync("new"));

        // Restarted in the middle, with what their nodes have.
        await replicas[1].RestartAsync();
        await group.Sentinels[0].RestartAsync();
        await group.WaitForAsync("both replicas", s => s.LinkedReplicas == 2 && s.Sentinels.All(x => x.Master == master.Endpoint));
        await replicas[0].RestartAsync();
        await group.WaitForAsync("both replicas", s => s.LinkedReplicas == 2);

        rig.Put(replicas[1], "new", "old");
        rig.Put(group.Sentinels[1], "new", "old");
        await rig.WaitAsync("ready");
        Assert.Equal(24 - 3, (await rig.AcceptedAsync("new")).Count); // four users of three Redis, three of three Sentinels
        Assert.Equal(24 - 3, (await rig.AcceptedAsync("old")).Count);

        // Phase 2, one node after the other: the first one must not wait for the last one's files.
        foreach (var node in group.All)
        {
            rig.Put(node, "new", null);
            if (node.Kind == LocalNodeKind.Redis) await rig.WaitAsync("settled", [node]);
        }

        await Eventually.UntilAsync("no old password works", async () => (await rig.AcceptedAsync("old")).Count == 0,
            TimeSpan.FromSeconds(60), () => string.Join('\n', rig.Said.Where(s => s[0] == '!').TakeLast(20)));
        await group.WaitForAsync("both replicas", s => s.LinkedReplicas == 2);
        await load.StopAsync();
        await visitors.StopAsync();

        Assert.True(load.Acks.Count > 0);
        Assert.Equal((0L, 0L), (load.Refused, load.Unknown));
        Assert.Empty(visitors.Failures);
        Assert.True(visitors.Visits > 0);
        var after = await group.WaitAgreedAsync();
        Assert.Equal(master, after.Master!.Node);
        Assert.Equal(before.Sentinels.Max(s => s.Epoch), after.Sentinels.Max(s => s.Epoch));
        Assert.Equal(0, (await load.CheckAsync(master.Endpoint)).MissingCount);
        rig.AssertNoSecrets();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_master_that_dies_in_a_phase_is_followed_by_another_and_the_rotation_ends(int phase)
    {
        await using var rig = new RotationRig("rotation-kill");
        var group = rig.Group;
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        rig.StartSidecars();
        await rig.WaitAsync("settled");
        foreach (var node in group.All) rig.Put(node, "new", "old");
        if (phase == 2)
        {
            await rig.WaitAsync("ready");
            foreach (var node in group.All) rig.Put(node, "new", null);
        }

        await master.KillAsync();
        await group.WaitForAsync("a failover", s => s.Master is { } m && m.Node != master && s.LinkedReplicas == 1);
        await master.StartAsync();
        await group.WaitAgreedAsync();
        if (phase == 1)
        {
            await rig.WaitAsync("ready");
            foreach (var node in group.All) rig.Put(node, "new", null);
        }

        await Eventually.UntilAsync("no old password works", async () => (await rig.AcceptedAsync("old")).Count == 0,
            TimeSpan.FromSeconds(60), () => string.Join('\n', rig.Said.Where(s => s[0] == '!').TakeLast(20)));
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        rig.AssertNoSecrets();
    }

    /// <summary>Clients that connect for each command and hold both passwords.</summary>
    private sealed class Visitors : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;
        private int _visits;

        private Visitors(LocalGroup group, LocalNode master) => _running = Task.Run(() => RunAsync(group, master));

        public List<string> Failures { get; } = [];

        public int Visits => _visits;

        public static Visitors Start(LocalGroup group, LocalNode master) => new(group, master);

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
        }

        private async Task RunAsync(LocalGroup group, LocalNode master)
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    await using var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(5));
                    var reply = await client.CallAsync(default, "SET", "visitor", "v");
                    if (reply.IsError) Failures.Add(reply.Text);
                }
                catch (RedisConnectionException e)
                {
                    Failures.Add(e.Message);
                }

                Interlocked.Increment(ref _visits);
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }
    }
}
