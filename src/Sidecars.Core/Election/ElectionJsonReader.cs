using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// JSON → record and evidence; what is wrong is noted at the <see cref="JsonFacts"/>, and optional fields take their defaults.
/// </summary>
internal static class ElectionJsonReader
{
    public static ElectionRecord Record(JsonFacts r) => new()
    {
        Term = r.OptionalInteger("term") ?? 0,
        Candidate = r.OptionalName("candidate", NodeIdentity.MaxNameLength),
        CandidateUid = r.OptionalName("candidate_uid", NodeIdentity.MaxUidLength),
        CandidateIncarnation = r.OptionalName("candidate_incarnation", NodeIdentity.MaxUidLength),
        CandidateAddress = LineageJson.OptionalAddress(r, "candidate_address"),
        EmptyStartAllowedInTerm = r.OptionalInteger("empty_start_allowed_in_term"),
        Trusted = r.OptionalName("trusted", NodeIdentity.MaxNameLength),
        Word = r.OptionalObject("word") is { } word ? KnownWord(word) : null,
        HighestEpoch = r.OptionalInteger("highest_epoch") ?? 0,
        LastServing = r.OptionalObject("last_serving") is { } serving ? Serving(serving) : null,
        InSync = r.OptionalObjects("in_sync", ElectionRecord.MaxInSync) is { } inSync ? [.. inSync.Select(i => InSync(i, "node"))] : null,
        History = History(r),
        Round = r.OptionalName("round", NodeIdentity.MaxUidLength),
    };

    public static CandidateEvidence Evidence(JsonFacts e) => new()
    {
        Node = e.Name("node", NodeIdentity.MaxNameLength),
        Uid = e.Name("uid", NodeIdentity.MaxUidLength),
        Incarnation = e.Name("incarnation", NodeIdentity.MaxUidLength),
        Address = LineageJson.Address(e, "address"),
        Data = Choice(e, "data", DataState.Suspect, DataState.Absent, DataState.Empty, DataState.Present),
        Filled = e.OptionalText("filled", 16) is null ? null : Choice(e, "filled", FilledBy.Restore, FilledBy.Adopt),
        Why = e.TextOrEmpty("why", ElectionDocuments.MaxBytes),
        DataBytes = e.OptionalInteger("data_bytes") ?? 0,
        Token = e.Contains("token") ? LineageJson.Token(e, "token") : FencingToken.None,
        HighestEpoch = e.OptionalInteger("highest_epoch") ?? 0,
        Position = e.OptionalObject("position") is { } position ? Position(position) : null,
        StillOf = LineageJson.OptionalId(e, "still_of"),
        EarlierOffset = e.OptionalInteger("earlier_offset"),
        LastServing = LineageJson.OptionalLastServing(e),
        History = History(e),
        LastTimestamp = e.OptionalInteger("last_timestamp"),
        RedisCount = (int)Math.Clamp(e.OptionalInteger("redis_count") ?? 0, 0, CandidateEvidence.MaxRedisCount),
        Live = e.OptionalTruth("live"),
    };

    /// <summary>A person's word; null where the kind is a newer version's.</summary>
    /// <param name="w">The word.</param>
    /// <param name="node">What its node is called.</param>
    public static PersonsWord? Word(JsonFacts w, string node)
    {
        var (name, term) = (w.Name(node, NodeIdentity.MaxNameLength), w.Integer("term", JsonFacts.MaxExact));
        return PersonsWord.TryParse(w.Text("kind", 16), out var kind) ? new PersonsWord(kind, name, term) : null;
    }

    public static InSyncReplica InSync(JsonFacts i, string node) =>
        new(i.Name(node, NodeIdentity.MaxNameLength), i.Name("uid", NodeIdentity.MaxUidLength), i.Integer("offset", JsonFacts.MaxExact));

    private static ServingMaster Serving(JsonFacts s) => new(
        s.Name("node", NodeIdentity.MaxNameLength), s.Name("uid", NodeIdentity.MaxUidLength), LineageJson.Address(s, "address"),
        LineageJson.Token(s, "token"), LineageJson.Id(s), s.Integer("offset"));

    private static PersonsWord? KnownWord(JsonFacts w)
    {
        if (Word(w, "node") is { } word) return word;
        w.Wrong("kind");
        return null;
    }

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
