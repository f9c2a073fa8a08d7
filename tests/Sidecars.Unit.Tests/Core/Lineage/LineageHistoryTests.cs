using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Lineage;

namespace Sidecars.Unit.Tests.Core.Lineage;

public class LineageHistoryTests
{
    private static readonly NodeIdentity A = new("redis-0", "uid-a"), B = new("redis-1", "uid-b");

    internal static ReplicationId Id(int n) =>
        ReplicationId.TryParse(n.ToString("x8", System.Globalization.CultureInfo.InvariantCulture).PadLeft(40, 'a'), out var id)
            ? id
            : throw new ArgumentException("no id");

    internal static LineageEntry Entry(int id, long term, long epoch, long generation, NodeIdentity? master = null) =>
        new(Id(id), 0, new LineagePosition(term, epoch, generation), master ?? A);

    private static LineageHistory Of(params LineageEntry[] entries) =>
        LineageHistory.TryCreate(entries, out var h) ? h : throw new ArgumentException("no history");

    [Fact]
    public void Every_new_id_raises_the_generation_even_when_term_and_epoch_stay()
    {
        var history = LineageHistory.Empty.Append(Id(1), 0, 1, 0, A)!.Append(Id(2), 0, 1, 0, A)!;
        Assert.Equal(new LineagePosition(1, 0, 2), history.Newest!.Position);
        Assert.True(history[1].Position > history[0].Position);
    }

    [Fact]
    public void An_older_term_or_epoch_or_an_id_of_long_ago_is_not_appended()
    {
        var history = Of(Entry(1, 1, 1, 1), Entry(2, 2, 5, 2));
        Assert.Null(history.Append(Id(3), 0, 1, 9, B));
        Assert.Null(history.Append(Id(3), 0, 2, 4, B));
        Assert.Null(history.Append(Id(1), 0, 3, 6, A));
        Assert.Same(history, history.Append(Id(2), 0, 2, 5, A));
    }

    [Fact]
    public void An_unrecorded_id_is_unknown_and_has_no_position_that_could_be_sorted()
    {
        Assert.IsType<LineageLookup.Unknown>(Of(Entry(1, 1, 0, 1)).Find(Id(9)));
        Assert.IsType<LineageLookup.Unknown>(LineageHistory.Empty.Find(default));
        Assert.False(typeof(IComparable).IsAssignableFrom(typeof(LineageLookup)));
    }

    [Fact]
    public void The_newest_64_are_kept_and_positions_do_not_shift()
    {
        var history = LineageHistory.Empty;
        for (var i = 1; i <= 100; i++) history = history.Append(Id(i), 0, 1, i, A)!;
        Assert.Equal(LineageHistory.MaxEntries, history.Count);
        Assert.Equal(new LineagePosition(1, 100, 100), history.Newest!.Position);
        Assert.IsType<LineageLookup.Unknown>(history.Find(Id(36)));
        Assert.Equal(37, Assert.IsType<LineageLookup.Recorded>(history.Find(Id(37))).Entry.Position.Generation);
    }

    [Fact]
    public void Entries_out_of_order_or_twice_are_no_history()
    {
        Assert.False(LineageHistory.TryCreate([Entry(1, 2, 0, 1), Entry(2, 1, 0, 2)], out _));
        Assert.False(LineageHistory.TryCreate([Entry(1, 1, 0, 1), Entry(1, 1, 0, 2)], out _));
        Assert.False(LineageHistory.TryCreate([Entry(1, 1, 0, 1), Entry(2, 1, 0, 1)], out _));
    }

    [Fact]
    public void Histories_that_continue_each_other_merge_without_conflict()
    {
        var old = Of(Entry(1, 1, 0, 1), Entry(2, 1, 3, 2, B));
        var longer = old.Append(Id(3), 10, 2, 4, A)!;
        var merge = LineageMerge.Of(old, longer, LineageHistory.Empty);
        Assert.Empty(merge.Conflicts);
        Assert.Equal(longer, merge.History);
    }

    [Fact]
    public void Two_masters_in_one_term_and_epoch_are_a_conflict()
    {
        var conflict = Assert.Single(LineageMerge.Of(Of(Entry(1, 2, 4, 5, A)), Of(Entry(2, 2, 4, 6, B))).Conflicts);
        Assert.Equal(LineageConflictKind.TwoMasters, conflict.Kind);
        Assert.Equal([A.Name, B.Name], [conflict.First.Master.Name, conflict.Second.Master.Name]);
    }

    [Fact]
    public void A_pod_that_comes_back_on_its_volume_is_no_second_master() =>
        Assert.Empty(LineageMerge.Of(Of(Entry(1, 2, 4, 5, A)), Of(Entry(2, 2, 4, 6, A with { Uid = "uid-a2" }))).Conflicts);

    [Fact]
    public void One_id_with_two_accounts_and_two_ids_at_one_place_are_conflicts()
    {
        Assert.Contains(LineageMerge.Of(Of(Entry(1, 2, 4, 5)), Of(Entry(1, 2, 4, 5, new NodeIdentity("redis-9", "u")))).Conflicts,
            c => c.Kind == LineageConflictKind.TwoAccounts);
        Assert.Contains(LineageMerge.Of(Of(Entry(1, 2, 4, 5)), Of(Entry(2, 2, 4, 5))).Conflicts, c => c.Kind == LineageConflictKind.TwoIds);
    }

    [Fact]
    public void Better_knowledge_of_one_id_contradicts_nobody()
    {
        // A replica knew the master by its address only, an epoch late, and had been away for one generation.
        var merge = LineageMerge.Of(Of(Entry(1, 2, 4, 5), Entry(2, 2, 5, 6)), Of(Entry(2, 2, 4, 5, NodeIdentity.Unknown)));
        Assert.Empty(merge.Conflicts);
        Assert.Equal([Entry(1, 2, 4, 5), Entry(2, 2, 5, 6)], merge.History);
        Assert.Equal(A, Assert.Single(LineageMerge.Of(Of(Entry(2, 2, 4, 5)), Of(Entry(2, 2, 5, 5, NodeIdentity.Unknown))).History).Master);
    }

    [Fact]
    public void The_newest_entry_is_bettered_in_place()
    {
        var history = Of(Entry(1, 2, 4, 5, NodeIdentity.Unknown));
        Assert.Equal(Entry(1, 3, 6, 5), Assert.Single(history.Append(Id(1), 7, 3, 6, A)!));
        Assert.Same(history, history.Append(Id(1), 7, 2, 3, NodeIdentity.Unknown));
    }

    [Fact]
    public void Merging_does_not_depend_on_who_is_asked_first()
    {
        var histories = (from seed in Gen.Choose(0, 100_000) select Random(seed)).ToArbitrary();
        Prop.ForAll(histories, histories, histories, (a, b, c) =>
        {
            var one = LineageMerge.Of(a, b, c);
            var other = LineageMerge.Of(c, a, b, a);
            return one.History.Equals(other.History) && one.Conflicts.SequenceEqual(other.Conflicts)
                && one.History.Zip(one.History.Skip(1)).All(p => p.First.Position <= p.Second.Position);
        }).QuickCheckThrowOnFailure();
    }

    internal static LineageHistory Random(int seed)
    {
        var random = new Random(seed);
        var history = LineageHistory.Empty;
        for (var n = random.Next(70); n > 0; n--)
        {
            var newest = history.Newest?.Position ?? default;
            var term = newest.Term + random.Next(2);
            history = history.Append(
                Id(random.Next(1, 40)), random.Next(1000), term, newest.Epoch + random.Next(2), random.Next(2) == 0 ? A : B)
                ?? history;
        }

        return history;
    }
}
