using Sidecars.Fuzz.Targets;

namespace Sidecars.Fuzz;

/// <summary>All readers that are fuzzed.</summary>
public static class FuzzTargets
{
    /// <summary>In the order of the report.</summary>
    public static IReadOnlyList<IFuzzTarget> All { get; } =
    [
        new MarkerTarget(),
        new RescueTarget(),
        new RdbHeaderTarget(),
        new AofManifestTarget(),
        new AofTailTarget(),
        new FencingTokenTarget(),
        new DiskEvidenceTarget(),
        new EpochTarget(),
        new AofCommandTarget(),
        new BackupManifestTarget(),
        new ElectionRecordTarget(),
        new CandidateEvidenceTarget(),
        new GroupLeaseTarget(),
        new SlotTableTarget(),
        new DnsRecordTarget(),
        new ZoneFileTarget(),
    ];
}
