using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>JSON → record and evidence; what is wrong is noted at the <see cref="JsonFacts"/>, and optional fields take their defaults.</summary>
internal static class ElectionJsonReader
{
    private const int MaxReplicas = 31; // REDIS_COUNT is 32 at most
    private const int MaxAddressLength = 300; // a name of 253 characters, brackets, a port

    public static ElectionRecord Record(JsonFacts r) => new()
    {
        Term = r.OptionalInteger("term") ?? 0,
        Candidate = r.OptionalText("candidate", NodeIdentity.MaxNameLength),
        CandidateUid = r.OptionalText("candidate_uid", NodeIdentity.MaxUidLength),
        CandidateIncarnation = r.OptionalText("candidate_incarnation", NodeIdentity.MaxUidLength),
        CandidateAddress = r.OptionalText("candidate_address", MaxAddressLength) is null ? null : Address(r, "candidate_address"),
        EmptyStartAllowedInTerm = r.OptionalInteger("empty_start_allowed_in_term"),
        Trusted = r.OptionalText("trusted", NodeIdentity.MaxNameLength),
        Word = r.OptionalObject("word") is { } word ? Word(word) : null,
        HighestEpoch = r.OptionalInteger("highest_epoch") ?? 0,
        LastServing = r.OptionalObject("last_serving") is { } serving ? Serving(serving) : null,
        InSync = r.OptionalObjects("in_sync", MaxReplicas) is { } inSync ? [.. inSync.Select(InSync)] : null,
        History = History(r),
        Round = r.OptionalText("round", NodeIdentity.MaxUidLength),
    };

    public static CandidateEvidence Evidence(JsonFacts e) => new()
    {
        Node = e.Text("node", NodeIdentity.MaxNameLength),
        Uid = e.Text("uid", NodeIdentity.MaxUidLength),
        Incarnation = e.Text("incarnation", NodeIdentity.MaxUidLength),
        Address = Address(e, "address"),
        Data = Choice(e, "data", DataState.Suspect, DataState.Absent, DataState.Empty, DataState.Present),
        Filled = e.OptionalText("filled", 16) is null ? null : Choice(e, "filled", FilledBy.Restore, FilledBy.Adopt),
        Why = e.TextOrEmpty("why", ElectionDocuments.MaxBytes),
        DataBytes = e.OptionalInteger("data_bytes") ?? 0,
        Token = e.Contains("token") ? LineageJson.Token(e, "token") : FencingToken.None,
        HighestEpoch = e.OptionalInteger("highest_epoch") ?? 0,
        Position = e.OptionalObject("position") is { } position ? Position(position) : null,
        EarlierOffset = e.OptionalInteger("earlier_offset"),
        LastServing = LineageJson.OptionalLastServing(e),
        History = History(e),
        LastTimestamp = e.OptionalInteger("last_timestamp"),
        RedisCount = (int)Math.Clamp(e.OptionalInteger("redis_count") ?? 0, 0, CandidateEvidence.MaxRedisCount),
        Live = e.OptionalTruth("live"),
    };

    private static ServingMaster Serving(JsonFacts s) => new(
        s.Text("node", NodeIdentity.MaxNameLength), s.Text("uid", NodeIdentity.MaxUidLength), Address(s, "address"),
        LineageJson.Token(s, "token"), LineageJson.Id(s), s.Integer("offset"));

    private static PersonsWord Word(JsonFacts w)
    {
        if (!PersonsWord.TryParse(w.Text("kind", 16), out var kind)) w.Wrong("kind");
        return new PersonsWord(kind, w.Text("node", NodeIdentity.MaxNameLength), w.Integer("term"));
    }

    private static InSyncReplica InSync(JsonFacts i) =>
        new(i.Text("node", NodeIdentity.MaxNameLength), i.Text("uid", NodeIdentity.MaxUidLength), i.Integer("offset"));

    private static DiskPosition Position(JsonFacts p) => new(
        new ReplicationPosition(LineageJson.Id(p), p.Integer("offset")),
        Choice(p, "bound", PositionBound.Unclear, PositionBound.AtMost, PositionBound.AtLeast, PositionBound.Exact),
        Choice(p, "source", PositionSource.Marker, PositionSource.RdbHeader))
    {
        Lower = p.OptionalInteger("lower") ?? 0,
        Upper = p.OptionalInteger("upper"),
        Estimate = p.OptionalInteger("estimate") ?? p.OptionalInteger("lower") ?? 0,
    };

    // Missing is what a neighbour without a history writes; null is nobody's.
    private static ImmutableArray<LineageEntry> History(JsonFacts item) =>
        item.Contains("history") && LineageJson.History(item) is { Count: > 0 } history ? [.. history] : [];

    private static RedisEndpoint Address(JsonFacts item, string name)
    {
        if (RedisEndpoint.TryParse(item.Text(name, MaxAddressLength), 6379, out var endpoint)) return endpoint;
        item.Wrong(name);
        return new RedisEndpoint("0.0.0.0", 6379);
    }

    // Exactly a name: Enum.TryParse takes numbers, lists and white space too.
    private static T Choice<T>(JsonFacts item, string name, params ReadOnlySpan<T> all)
        where T : struct, Enum
    {
        var text = item.Text(name, 16);
        foreach (var one in all)
            if (one.ToString() == text) return one;
        item.Wrong(name);
        return default;
    }
}
