using Sidecars.Faults.Planning;
using Sidecars.TestKit.Pods;
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

    [NetworkFact]
    public Task Redis_is_scaled_to_0_and_back_and_nothing_is_lost() => HoldsAsync(FaultKind.ScaleToZero, FaultTarget.Master, 3);

    [NetworkFact]
    public Task Every_volume_is_lost_and_the_backup_restored_under_living_sentinels() =>
        HoldsAsync(FaultKind.RestoreVolumes, FaultTarget.Master, 1);

    [NetworkFact]
    public Task Every_sentinel_is_lost_at_the_moment_of_a_promotion() => HoldsAsync(FaultKind.StrayReplica, FaultTarget.Master, 1);

    [NetworkFact]
    public async Task A_new_master_is_at_the_address_that_the_old_ones_pod_had()
    {
        var report = await HoldsAsync(FaultKind.AddressToMaster, FaultTarget.Master, 1);
        Assert.EndsWith("and is master", Assert.Single(report.Rounds[0].Met), StringComparison.Ordinal);
    }

    /// <summary>As on clusters where no pod reaches itself by its Service: whoever asks its own announced address waits for ever.</summary>
    [NetworkTheory]
    [InlineData("ScaleToZero", 3)]
    [InlineData("EmptyVolumes", 1)]
    [InlineData("ReplacePod", 1)]
    public Task Without_a_hairpin_a_group_heals(string kind, int seconds) =>
        HoldsAsync(Enum.Parse<FaultKind>(kind), FaultTarget.Master, seconds, hairpin: false);

    /// <summary>What groups announced before, and what the name alone is made of now: the address of a pod that may be gone.</summary>
    [SoakNetworkTheory]
    [InlineData("ScaleToZero", "PodName")]
    [InlineData("ScaleToZero", "PodAddress")]
    [InlineData("RestoreVolumes", "PodName")]
    [InlineData("RestoreVolumes", "PodAddress")]
    [InlineData("LosePod", "PodName")]
    [InlineData("LosePod", "PodAddress")]
    [InlineData("AddressToMaster", "PodAddress")]
    [InlineData("AddressToTenant", "PodAddress")]
    public Task Groups_of_former_settings_heal(string kind, string announce) =>
        HoldsAsync(Enum.Parse<FaultKind>(kind), FaultTarget.Master, 3, Enum.Parse<PodAnnounce>(announce));

    [SoakNetworkTheory]
    [MemberData(nameof(AllFaults))]
    public Task Each_fault_alone(string name, bool master) =>
        HoldsAsync(FaultNames.Find(name)!.Value, master ? FaultTarget.Master : FaultTarget.Replica, 8);

    public static TheoryData<string, bool> AllFaults
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var kind in FaultNames.All.Where(k => Campaign.Obstacle(k) is null))
            {
                data.Add(FaultNames.Of(kind), true);
                data.Add(FaultNames.Of(kind), false);
            }

            return data;
        }
    }

    private async Task<CaseReport> HoldsAsync(
        FaultKind kind, FaultTarget target, int seconds, PodAnnounce announce = PodAnnounce.Service, bool hairpin = true)
    {
        var plan = CasePlan.Single(kind, target, TimeSpan.FromSeconds(seconds)) with { Hairpin = hairpin };
        var report = await new CaseRunner(plan, DownAfter, Campaign.FakeTimeLibrary, output.WriteLine) { Announce = announce }.RunAsync();
        Assert.True(report.Violations.Count == 0, $"{string.Join('\n', report.Violations)}\n{report.Output}");
        Assert.NotEmpty(report.Rounds);
        return report;
    }
}
