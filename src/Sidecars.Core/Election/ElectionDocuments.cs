using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// Record and evidence ↔ JSON, wherever a backend keeps them; format 1. Unknown fields are tolerated, so that neighbouring
/// versions get along; what breaks a bound is refused with its reason, never taken for "nothing there".
/// </summary>
public static class ElectionDocuments
{
    /// <summary>Largest document: 64 replication ids of 0.3 KiB each and a few names come to 25 KiB; more is not ours.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int MaxReplicas = 31; // REDIS_COUNT

    /// <summary>The record.</summary>
    public static byte[] Write(ElectionRecord record) =>
        JsonSerializer.SerializeToUtf8Bytes(new RecordFile { Format = 1, Record = record }, PlainJson.Context.RecordFile);

    /// <summary>Evidence; whether its writer lives is not part of it.</summary>
    public static byte[] Write(CandidateEvidence evidence) =>
        JsonSerializer.SerializeToUtf8Bytes(new EvidenceFile { Format = 1, Evidence = evidence with { Live = false } }, PlainJson.Context.EvidenceFile);

    /// <summary>Reads a record; false with a reason for anything that is not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out ElectionRecord record, out string why)
    {
        record = new ElectionRecord();
        try
        {
            if (json.Length > MaxBytes || JsonSerializer.Deserialize(json, PlainJson.Context.RecordFile) is not { Format: >= 1, Record: { } read })
                why = "it is no election record";
            else if ((why = Fault(read)).Length == 0) record = read;
        }
        catch (JsonException e)
        {
            why = $"it is no JSON of ours: {e.Message}";
        }

        return why.Length == 0;
    }

    /// <summary>Reads evidence; false for anything that is not evidence. <see cref="CandidateEvidence.Live"/> is false.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out CandidateEvidence? evidence)
    {
        evidence = null;
        try
        {
            if (json.Length > MaxBytes || JsonSerializer.Deserialize(json, PlainJson.Context.EvidenceFile) is not { Format: >= 1, Evidence: { } read } || !IsSound(read)) return false;
            evidence = read with { Live = false };
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Fault(ElectionRecord r) =>
        r.Term < 0 || r.HighestEpoch < 0 ? "a term or an epoch is negative"
        : r.Candidate is { } candidate && !(IsName(candidate) && IsId(r.CandidateUid) && IsId(r.CandidateIncarnation) && r.CandidateAddress is not null) ? "its candidate is incomplete"
        : r.LastServing is { } s && !(IsName(s.Node) && IsId(s.Uid) && IsSound(s.Token) && s.Offset >= 0 && s.Token.Term <= r.Term && s.Token.Epoch <= r.HighestEpoch) ? "its last serving master contradicts it"
        : r.InSync is { } inSync && (inSync.Length > MaxReplicas || inSync.Any(i => !IsName(i.Node) || !IsId(i.Uid) || i.Offset < 0)) ? "its replicas in sync can't be"
        : !IsSound(r.History) ? "its history does not ascend"
        : r.Round is { } round && !IsId(round) ? "its round is no nonce"
        : "";

    private static bool IsSound(CandidateEvidence e) =>
        IsName(e.Node) && IsId(e.Uid) && IsId(e.Incarnation) && Enum.IsDefined(e.Data) && e.DataBytes >= 0 && e.HighestEpoch >= 0 && IsSound(e.Token)
        && e.Position is null or { At.Offset: >= 0, Lower: >= 0, Upper: null or >= 0 } && e.EarlierOffset is null or >= 0
        && (e.LastServing is null || (IsName(e.LastServing.Node.Name) && IsSound(e.LastServing.Token)))
        && IsSound(e.History);

    private static bool IsSound(FencingToken token) => token is { Term: >= 0, Epoch: >= 0, Rev: >= 0 };

    private static bool IsSound(ImmutableArray<LineageEntry> history) => !history.IsDefault
        && history.All(e => e.StartOffset >= 0 && e.Position is { Term: >= 0, Epoch: >= 0, Generation: >= 0 } && e.Master.Name.Length is > 0 and <= NodeIdentity.MaxNameLength)
        && LineageHistory.TryCreate(history, out _);

    private static bool IsName(string text) => text.Length is > 0 and <= NodeIdentity.MaxNameLength && !text.Any(char.IsControl);

    private static bool IsId(string? text) => text is { Length: > 0 and <= NodeIdentity.MaxUidLength } && !text.Any(char.IsControl);

    internal sealed record RecordFile
    {
        public required int Format { get; init; }

        public required ElectionRecord Record { get; init; }
    }

    internal sealed record EvidenceFile
    {
        public required int Format { get; init; }

        public required CandidateEvidence Evidence { get; init; }
    }
}
