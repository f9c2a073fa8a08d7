using Sidecars.Faults.Planning;
using Xunit;
using Xunit.Abstractions;

namespace Sidecars.Faults.Tests;

/// <summary>Each fault once, on a fresh group of three hosts, under writes; all invariants hold.</summary>
public sealed class SingleFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(5);

    [NetworkFact]
    public Task A_master_with_a_client_on_its_side_is_cut_off_from_the_rest() => HoldsAsync(FaultKind.Isolate, FaultTarget.Master, 10);

    [NetworkFact]
    public Task The_disk_of_the_master_is_lost() => HoldsAsync(FaultKind.WipeDisk, FaultTarget.Master, 1);

    [NetworkFact]
    public Task Everything_is_killed_at_once_and_nothing_is_lost() => HoldsAsync(FaultKind.KillEverything, FaultTarget.Master, 1);

    [SoakNetworkTheory]
    [MemberData(nameof(AllFaults))]
    public Task Each_fault_alone(string name, bool master) => HoldsAsync(FaultNames.Find(name)!.Value, master ? FaultTarget.Master : FaultTarget.Replica, 8);

    public static TheoryData<string, bool> AllFaults
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var kind in FaultNames.All.Where(k => k != FaultKind.JumpClock || Campaign.FakeTimeLibrary is not null))
            {
                data.Add(FaultNames.Of(kind), true);
                data.Add(FaultNames.Of(kind), false);
            }

            return data;
        }
    }

    private async Task HoldsAsync(FaultKind kind, FaultTarget target, int seconds)
    {
        var report = await new CaseRunner(CasePlan.Single(kind, target, TimeSpan.FromSeconds(seconds)), DownAfter, Campaign.FakeTimeLibrary, output.WriteLine).RunAsync();
        Assert.True(report.Violations.Count == 0, $"{string.Join('\n', report.Violations)}\n{report.Output}");
        Assert.NotEmpty(report.Rounds);
    }
}
