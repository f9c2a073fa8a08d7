using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Keeper;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>What was put aside is shown from the first look on, and the disk is looked at twice a minute, however often one asks.</summary>
[Collection(QuietDays.Name)]
public sealed class RescueLoopTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly LoopRig _rig = new();
    private DiskFact<IReadOnlyList<Rescue>> _disk = Kept();
    private int _looks;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    [QuietDayOf(typeof(RescueLoop))]
    public async Task A_rescue_is_counted_within_half_a_minute_and_its_age_goes_on_until_its_folder_is_deleted()
    {
        var loop = Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.Zero);
            Assert.Equal((1, 0, null), (_looks, loop.Count, loop.Age));
            _rig.PassDay(output);
            Assert.Equal((2881, 0, null), (_looks, loop.Count, loop.Age)); // 24 h, and the first

            var made = _rig.Time.GetUtcNow();
            _disk = Kept(Named(made.AddYears(-1), 1), Named(made, 2));
            _rig.Run(TimeSpan.FromSeconds(30));
            Assert.Equal((2, TimeSpan.FromSeconds(30)), (loop.Count, loop.Age));
            _rig.Run(TimeSpan.FromHours(1));
            Assert.Equal((2, TimeSpan.FromSeconds(3630)), (loop.Count, loop.Age));

            _disk = Kept();
            _rig.Run(TimeSpan.FromSeconds(30));
            Assert.Equal((0, null), (loop.Count, loop.Age));
        });
    }

    [Fact]
    public async Task A_volume_that_cannot_be_read_is_not_one_without_rescues()
    {
        var loop = Start();
        await OnThreadAsync(() =>
        {
            _disk = Kept(Named(_rig.Time.GetUtcNow(), 1));
            _rig.Run(TimeSpan.FromSeconds(30));
            Assert.Equal(1, loop.Count);
            _disk = DiskFact<IReadOnlyList<Rescue>>.Unreadable(new FileFault(FileFaultKind.Io, "I/O error"));
            _rig.Run(TimeSpan.FromSeconds(30));
            Assert.Equal((null, null), (loop.Count, loop.Age));
            Assert.Empty(_rig.Failures);
        });
    }

    [Fact]
    public async Task A_newest_from_the_future_is_young_and_one_that_a_person_renamed_has_no_age()
    {
        _disk = Kept(Named(_rig.Time.GetUtcNow().AddHours(5), 1));
        var loop = Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.Zero);
            Assert.Equal((1, TimeSpan.Zero), (loop.Count, loop.Age));
            _disk = Kept(Named(_rig.Time.GetUtcNow(), 1) with { Name = "before-the-accident" });
            _rig.Run(TimeSpan.FromSeconds(30));
            Assert.Equal((1, null), (loop.Count, loop.Age));
        });
    }

    private RescueLoop Start()
    {
        var loop = new RescueLoop(
            () =>
            {
                _looks++;
                return _disk;
            },
            _rig.Time);
        _rig.Start("rescues", loop.RunAsync);
        return loop;
    }

    private static DiskFact<IReadOnlyList<Rescue>> Kept(params Rescue[] rescues) => DiskFact<IReadOnlyList<Rescue>>.Known(rescues);

    private static Rescue Named(DateTimeOffset at, long sequence) => new(
        FormattableString.Invariant($"{at:yyyyMMdd'T'HHmmssfff'Z'}-aaaaaaaa"), "follows redis-1", new FencingToken(1, 1, 0),
        new NodeIdentity("redis-0", "uid-0"), Intact: true, [])
    { Sequence = sequence };
}
