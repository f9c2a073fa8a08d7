using Sidecars.Core.Topology;
using Sidecars.Failover.Ghosts;
using Sidecars.Telemetry;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.Ghosts.GhostFacts;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The repair of ghosts beside the master, which looks every 5 s and lets everything stand for 30.</summary>
[Collection(QuietDays.Name)]
public sealed class GhostRepairLoopTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly LoopRig _rig = new();
    private readonly List<TimeSpan> _resets = [];
    private GhostSnapshot _view = Whole;
    private string? _answer;
    private TimeSpan _slowness;
    private Exception? _throws;
    private int _looks;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    [QuietDayOf(typeof(GhostRepairLoop))]
    public async Task After_a_quiet_day_a_ghost_is_removed_once_it_has_stood_for_30_s()
    {
        Start();
        await OnThreadAsync(() =>
        {
            _rig.PassDay(output);
            Assert.Equal(1 + (24 * 720), _looks);
            _view = Haunted(1);
            _rig.Run(40 * Second);
            // Seen 5 s after it came.
            Assert.Equal([TimeSpan.FromHours(24) + (35 * Second)], _resets);
            _view = Whole;
            _rig.Run(TimeSpan.FromHours(1));
            Assert.Single(_resets);
        });
    }

    [Fact]
    public async Task While_Sentinels_are_silent_nothing_is_reset_and_the_30_s_begin_when_they_are_back()
    {
        _view = Haunted(1) with { Sentinels = Haunted(1).Sentinels.SetItem(1, Mute(2)) };
        Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(1));
            Assert.Empty(_resets);
            _view = Haunted(1);
            _rig.Run(34 * Second);
            Assert.Empty(_resets);
            _rig.Run(Second);
            Assert.Single(_resets);
        });
    }

    [Fact]
    public async Task Looks_that_take_20_s_follow_each_other_and_a_look_that_throws_costs_a_pause()
    {
        (_view, _slowness) = (Haunted(1), 20 * Second);
        Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(40 * Second);
            Assert.Empty(_resets);
            _rig.Run(60 * Second);
            Assert.InRange(_looks, 4, 5);
            Assert.Single(_resets);
            _throws = new InvalidDataException("no such look");
            _rig.Run(TimeSpan.FromMinutes(10));
            Assert.InRange(_rig.Failures.Count, 5, 40);
            var before = _resets.Count;
            (_throws, _slowness) = (null, TimeSpan.Zero);
            _rig.Run(TimeSpan.FromMinutes(2));
            Assert.True(_resets.Count > before);
        });
    }

    [Fact]
    public async Task A_Sentinel_that_does_not_answer_is_left_alone_for_another_30_s()
    {
        (_view, _answer) = (Haunted(1), "no answer within 1s");
        Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromMinutes(10));
            Assert.InRange(_resets.Count, 10, 20);
            Assert.All(_resets.Zip(_resets.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 30 * Second, $"{pair}"));
        });
    }

    private void Start() => _rig.Start("ghosts", new GhostRepairLoop(
        new GhostRepairSettings { RedisCount = 3, SentinelCount = 3 },
        async cancellation =>
        {
            _looks++;
            if (_slowness > TimeSpan.Zero) await Task.Delay(_slowness, _rig.Time, cancellation);
            if (_throws is { } thrown) throw thrown;
            return new GroupObservation { Sentinels = _view.Sentinels, Nodes = _view.Nodes };
        },
        (_, _) =>
        {
            _resets.Add(_rig.Time.Now);
            return Task.FromResult(_answer);
        },
        () => RunId(A), (_, _, _) => { }, new MetricSet(), _rig.Time).RunAsync);
}
