using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// A told switch beside everything else that may move the master at the same moment: real groups with the published sidecar beside every
/// Redis, under load.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class ToldSwitchRacesTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Healed = TimeSpan.FromSeconds(90); // an election that is aborted, and the next

    /// <summary>Milliseconds from the promise of the old master to a person's <c>SENTINEL FAILOVER</c>.</summary>
    public static TheoryData<int, int> Moments
    {
        get
        {
            var moments = new TheoryData<int, int>();
            foreach (var run in Times(20))
                foreach (var after in (int[])[0, 10, 30, 100, 1000]) moments.Add(after, run);
            return moments;
        }
    }

    public static TheoryData<int> Runs => [.. Times(50)];

    public static TheoryData<int> HostLosses => [.. Times(20)];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_failover_asked_for_by_hand_around_it_leaves_one_master(int after, int run)
    {
        await using var stage = await Stage.StartAsync(string.Create(CultureInfo.InvariantCulture, $"by-hand-{after}-{run}"));
        var stepDown = await stage.StepDownAsync(stage.Master);
        await stepDown.WaitForLineAsync(line => line.Contains("\"step-down-win\"", StringComparison.Ordinal), "the won epoch");
        await Task.Delay(TimeSpan.FromMilliseconds(after), TimeProvider.System, default);
        var answer = await stage.FailoverAsync(stage.Group.Sentinels[run % 3]);
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60));

        var check = await stage.EndAsync();
        output.WriteLine(
            $"{after} ms: the Sentinel answered {answer}; lost {check.MissingCount} of {check.Checked}, longest gap {stage.Gap} ms");
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Two_step_downs_at_once_have_one_winner_and_lose_nothing(int run)
    {
        await using var stage = await Stage.StartAsync(string.Create(CultureInfo.InvariantCulture, $"two-{run}"));
        var both = await Task.WhenAll(stage.StepDownAsync(stage.Master), stage.StepDownAsync(stage.Master));
        var codes = await Task.WhenAll(both.Select(one => one.WaitForExitAsync(TimeSpan.FromSeconds(60))));
        Assert.Contains(0, codes);
        var check = await stage.EndAsync();
        output.WriteLine(
            $"exit codes {string.Join(", ", codes)}; lost {check.MissingCount} of {check.Checked}, longest gap {stage.Gap} ms");
        Assert.Equal(0, check.MissingCount);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task A_step_down_of_a_master_whose_process_is_killed_meanwhile_leaves_one_master(int run)
    {
        await using var stage = await Stage.StartAsync(string.Create(CultureInfo.InvariantCulture, $"crash-{run}"));
        var stepDown = await stage.StepDownAsync(stage.Master);
        var step = (string[])["step-down-win", "step-down-give-up", "step-down-fence", "step-down-promote", "step-down-announce"];
        await stepDown.WaitForLineAsync(
            line => line.Contains($"\"{step[run % step.Length]}\"", StringComparison.Ordinal), step[run % step.Length]);
        await stage.Master.KillAsync();
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60));
        await stage.Group.WaitForAsync("another master", s => s.Master is { } m && m.Node != stage.Master, Healed);
        await stage.Master.StartAsync(); // kubelet
        var check = await stage.EndAsync();
        output.WriteLine($"after {step[run % step.Length]}: lost {check.MissingCount} of {check.Checked}, longest gap {stage.Gap} ms");
    }

    [Fact]
    public async Task A_bootstrap_that_starts_a_replica_beside_it_changes_nothing()
    {
        await using var stage = await Stage.StartAsync("bootstrap-beside");
        var replica = stage.Group.Redis.First(node => node != stage.Master);
        await replica.KillAsync();
        var (stepDown, _) = (await stage.StepDownAsync(stage.Master), await StartedAsync(replica));
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60)) == 0, stepDown.Tail(60));
        var check = await stage.EndAsync();
        output.WriteLine($"lost {check.MissingCount} of {check.Checked}, longest gap {stage.Gap} ms");
        Assert.Equal(0, check.MissingCount);
    }

    [Fact]
    public async Task A_Sentinel_that_hears_nothing_while_the_others_are_told_follows_when_it_is_back()
    {
        await using var stage = await Stage.StartAsync("deaf-sentinel");
        var deaf = stage.Group.Sentinels[0];
        deaf.Process!.Pause();
        var stepDown = await stage.StepDownAsync(stage.Master);
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60)) == 0, stepDown.Tail(60));
        deaf.Process!.Resume();
        var back = TimeProvider.System.GetTimestamp();
        await stage.Group.WaitForAsync(
            "the same master at all Sentinels", s => s.Sentinels.All(x => s.Master is { } m && m.Node.IsAt(x.Master)));
        output.WriteLine($"it follows {TimeProvider.System.GetElapsedTime(back).TotalMilliseconds:0} ms after its return");
        Assert.Equal(0, (await stage.EndAsync()).MissingCount);
    }

    [Theory]
    [MemberData(nameof(HostLosses))]
    public async Task After_it_the_loss_of_a_host_is_still_failed_over(int run)
    {
        await using var stage = await Stage.StartAsync(string.Create(CultureInfo.InvariantCulture, $"host-{run}"));
        var stepDown = await stage.StepDownAsync(stage.Master);
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60)) == 0, stepDown.Tail(60));
        var next = (await stage.Group.WaitHealthyAsync()).Master!.Node;
        var lost = TimeProvider.System.GetTimestamp();
        stage.Sidecars[next].Pause();
        next.Process!.Pause();
        await stage.Group.WaitForAsync(
            "another master for all Sentinels",
            s => s.Redis.Any(r => r.Node != next && r.IsMaster && s.Sentinels.All(x => r.Node.IsAt(x.Master))), Healed);
        output.WriteLine($"another master {TimeProvider.System.GetElapsedTime(lost).TotalSeconds:0.0} s after the host was lost");
        next.Process!.Resume();
        stage.Sidecars[next].Resume();
        await stage.EndAsync();
    }

    private static async Task<LocalNode> StartedAsync(LocalNode node)
    {
        await node.StartAsync();
        return node;
    }

    // SIDECARS_SOAK: as often as the figures of the documentation want; else twice, or as SIDECARS_SEEDS says.
    private static IEnumerable<int> Times(int soak) => Enumerable.Range(1, RunCount.Of(soak));

    /// <summary>A group of 3 + 3 with its sidecars, and writers.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private readonly List<ServerProcess> _started = [];
        private WriteLoad? _load;
        private AckMark? _mark;
        private MasterMonitor? _monitor;

        private Stage(string name) => Group = new LocalGroup(new LocalGroupOptions { Name = name });

        public LocalGroup Group { get; }

        public LocalNode Master { get; private set; } = null!;

        public Dictionary<LocalNode, ServerProcess> Sidecars { get; } = [];

        public string Gap => _mark!.LongestGap.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);

        public static async Task<Stage> StartAsync(string name)
        {
            var stage = new Stage(name);
            try
            {
                await stage.Group.StartAsync();
                foreach (var node in stage.Group.Redis) stage.Sidecars[node] = await stage.Group.StartSidecarAsync(node);
                stage.Master = (await stage.Group.WaitHealthyAsync()).Master!.Node;
                stage._load = WriteLoad.Start(new(stage.Group.SentinelEndpoints, stage.Group.Options.EffectiveMasterName));
                await stage._load.Acks.First;
                stage._monitor = MasterMonitor.Start(stage.Group);
                stage._mark = stage._load.Acks.Mark();
                return stage;
            }
            catch
            {
                await stage.DisposeAsync();
                throw;
            }
        }

        public async Task<ServerProcess> StepDownAsync(LocalNode node)
        {
            var process = await Group.StartFailoverAsync(node, ["step-down", "--timeout", "25s"]);
            lock (_started) _started.Add(process);
            return process;
        }

        public async Task<string> FailoverAsync(LocalNode sentinel)
        {
            await using var client = await Group.ConnectAsync(sentinel, TimeSpan.FromSeconds(5));
            return (await client.CallAsync(default, "SENTINEL", "FAILOVER", Group.Options.EffectiveMasterName)).Text;
        }

        /// <summary>
        /// The group is whole again, takes writes, nobody is promised anything any more, and there never were two masters.
        /// </summary>
        public async Task<LoadCheck> EndAsync()
        {
            var state = await Group.WaitHealthyAsync(Healed);
            var more = _load!.Acks.Mark();
            await Eventually.UntilAsync("writes again", () => more.Count > 100, Healed, () => Group.Tails());
            foreach (var node in Group.Redis)
                await Eventually.UntilAsync(
                    $"no note of a giving-up beside {node}", () => !File.Exists(GivingUp.PathIn(node.DataFolder)), Healed);
            await _load.StopAsync();
            state = await Group.WaitHealthyAsync(Healed);
            Assert.Single(state.Sentinels.Select(s => (s.Master, s.Epoch)).Distinct());
            Assert.Empty(_monitor!.Findings);
            return await _load.CheckAsync(state.Master!.Node.Endpoint);
        }

        public async ValueTask DisposeAsync()
        {
            if (_load is not null) await _load.DisposeAsync();
            if (_monitor is not null) await _monitor.DisposeAsync();
            foreach (var one in _started.Concat(Sidecars.Values)) await one.DisposeAsync();
            await Group.DisposeAsync();
        }
    }
}
