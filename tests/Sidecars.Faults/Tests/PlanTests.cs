using Sidecars.Faults.Checks;
using Sidecars.Faults.Faults;
using Sidecars.Faults.Planning;
using Xunit;

namespace Sidecars.Faults.Tests;

public sealed class PlanTests
{
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(5);

    [Fact]
    public void The_same_seed_and_number_make_the_same_plan_and_others_another()
    {
        var plans = Enumerable.Range(0, 100).Select(i => CasePlanner.Plan(7, i, 0, FaultNames.All).ToString()).ToArray();
        Assert.Equal(plans, Enumerable.Range(0, 100).Select(i => CasePlanner.Plan(7, i, 0, FaultNames.All).ToString()));
        Assert.Equal(100, plans.Distinct().Count());
        Assert.DoesNotContain(CasePlanner.Plan(8, 0, 0, FaultNames.All).ToString(), plans);
    }

    [Fact]
    public void A_campaign_of_a_few_hundred_cases_has_every_fault_and_keeps_some_alone()
    {
        var rounds = Enumerable.Range(0, 300).SelectMany(i => CasePlanner.Plan(1, i, 0, FaultNames.All).Rounds).ToArray();
        Assert.Equal(FaultNames.All.Order(), rounds.SelectMany(r => r.Steps).Select(s => s.Kind).Distinct().Order());
        Assert.All(rounds.Where(r => r.Steps.Any(s => FaultNames.TraitsOf(s.Kind).StandsAlone)), r => Assert.Single(r.Steps));
        Assert.Contains(rounds, r => r.Steps.Length == 2);
        Assert.InRange(Enumerable.Range(0, 300).Count(i => !CasePlanner.Plan(1, i, 0, FaultNames.All).Hairpin), 20, 80);
    }

    [Fact]
    public void A_kind_is_planned_as_often_as_its_weight_says()
    {
        FaultKind[] kinds = [FaultKind.KillRedis, FaultKind.DamageFile];
        var steps = Enumerable.Range(0, 600).SelectMany(i => CasePlanner.Plan(3, i, 3, kinds).Rounds)
            .Select(r => r.Steps[0].Kind).ToArray();
        var expected = (double)FaultNames.TraitsOf(kinds[1]).Weight / kinds.Sum(k => FaultNames.TraitsOf(k).Weight);
        Assert.InRange((double)steps.Count(k => k == kinds[1]) / steps.Length, expected - 0.06, expected + 0.06);
    }

    [Fact]
    public void Strengths_of_plans_choose_every_one_of_several_ways_and_never_none()
    {
        string[] ways = ["a", "b", "c"];
        var steps = Enumerable.Range(0, 100).SelectMany(i => CasePlanner.Plan(4, i, 3, [FaultKind.DamageFile]).Rounds)
            .SelectMany(r => r.Steps).ToArray();
        Assert.Equal(ways, steps.Select(step => step.Of(ways)).Distinct().Order());
        Assert.Equal(("a", "c"), ((steps[0] with { Strength = 0 }).Of(ways), (steps[0] with { Strength = 1 }).Of(ways)));
    }

    [Fact]
    public void Help_names_every_kind_with_what_it_is() =>
        Assert.All(FaultNames.All, kind => Assert.Matches(
            $@"\n  {FaultNames.Of(kind)} +\d[* ] {System.Text.RegularExpressions.Regex.Escape(FaultNames.TraitsOf(kind).Words)}",
            FaultsOptions.Usage));

    [Fact]
    public void Every_kind_has_a_name_that_is_found_again() =>
        Assert.All(FaultNames.All, kind => Assert.Equal(kind, FaultNames.Find(FaultNames.Of(kind))));

    [Theory]
    [InlineData("None", -100, false)]
    [InlineData("AtBegin", -100, true)]
    [InlineData("AtBegin", 400, true)]
    [InlineData("AtBegin", 600, false)]
    [InlineData("UntilFenced", 5900, true)]
    [InlineData("UntilFenced", 6100, false)]
    [InlineData("UntilFenced", -2100, false)]
    [InlineData("SinceBackup", -4900, true)]
    [InlineData("SinceBackup", -5100, false)]
    [InlineData("SinceBackup", 600, false)]
    [InlineData("Everything", -60_000, true)]
    [InlineData("Everything", 600, false)]
    [InlineData("Throughout", 15_900, true)]
    [InlineData("Throughout", 16_100, false)]
    public void A_lost_write_is_excused_only_in_the_window_of_its_fault(string losses, int acknowledgedMs, bool excused)
    {
        const long Began = 1_000_000_000_000;
        var fault = Fault(FaultKind.Isolate, Enum.Parse<Losses>(losses), Began, 10_000);
        var loss = Assert.Single(LossJudge.Judge([Began + Ticks(acknowledgedMs)], [fault], Began, DownAfter));
        Assert.Equal(excused, loss.Excused);
    }

    [Theory]
    [InlineData("PauseRedis", 7200, 7600, true)]
    [InlineData("BlockLog", 7200, 7600, true)]
    [InlineData("PauseRedis", 7200, 7800, false)] // the fence that waited for it has closed it
    [InlineData("PauseRedis", 7200, 7100, false)] // while it was stopped
    [InlineData("Isolate", 7200, 7600, false)] // it was fenced while it was cut off
    public void A_stopped_master_that_wakes_replaced_has_a_moment_for_what_waits_in_its_sockets(
        string kind, int lastedMs, int acknowledgedMs, bool excused)
    {
        const long Began = 1_000_000_000_000;
        var fault = Fault(Enum.Parse<FaultKind>(kind), Losses.UntilFenced, Began, lastedMs);
        Assert.Equal(excused, Assert.Single(LossJudge.Judge([Began + Ticks(acknowledgedMs)], [fault], Began, DownAfter)).Excused);
    }

    private static ActiveFault Fault(FaultKind kind, Losses losses, long began, int lastedMs) =>
        new(CasePlan.Single(kind, FaultTarget.Master, TimeSpan.FromMilliseconds(lastedMs)).Rounds[0].Steps[0])
        {
            Met = "host-0",
            Losses = losses,
            Began = began,
            EndAsync = () => Task.CompletedTask,
            Ended = began + Ticks(lastedMs),
        };

    private static long Ticks(int milliseconds) => milliseconds * TimeProvider.System.TimestampFrequency / 1000;
}
