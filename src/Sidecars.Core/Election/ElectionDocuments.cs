using Sidecars.Core.Lineage;

namespace Sidecars.Core.Election;

/// <summary>
/// Record and evidence ↔ JSON, wherever a backend keeps them; format 1, fields named as in the marker. Unknown fields are tolerated,
/// so that neighbouring versions get along; what breaks a bound is refused with its reason, never taken for "nothing there".
/// </summary>
public static class ElectionDocuments
{
    /// <summary>Largest document: 64 replication ids of 0.3 KiB each and a few names come to 25 KiB; more is not ours.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The record.</summary>
    public static byte[] Write(ElectionRecord record) => ElectionJsonWriter.Object(json =>
    {
        json.WriteNumber("format", 1);
        ElectionJsonWriter.Record(json, record);
    }).ToArray();

    /// <summary>Evidence; whether its writer lives is not part of it.</summary>
    public static byte[] Write(CandidateEvidence evidence) => ElectionJsonWriter.Object(json =>
    {
        json.WriteNumber("format", 1);
        json.WriteStartObject("evidence");
        ElectionJsonWriter.Evidence(json, evidence with { Live = false });
        json.WriteEndObject();
    }).ToArray();

    /// <summary>Reads a record; false with a reason for anything that is not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out ElectionRecord record, out string why)
    {
        record = new ElectionRecord();
        if (!TryParse(json, "record", out var facts, out why)) return false;
        var read = ElectionJsonReader.Record(facts!);
        why = facts!.Fault is { } fault ? $"it is no election record: {fault.Detail}" : Contradiction(read);
        if (why.Length > 0) return false;
        record = read;
        return true;
    }

    /// <summary>Reads evidence; false for anything that is not evidence. <see cref="CandidateEvidence.Live"/> is false.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out CandidateEvidence? evidence)
    {
        evidence = null;
        if (!TryParse(json, "evidence", out var facts, out _)) return false;
        var read = ElectionJsonReader.Evidence(facts!);
        if (facts!.Fault is not null || !IsSound(read)) return false;
        evidence = read with { Live = false };
        return true;
    }

    private static bool TryParse(ReadOnlySpan<byte> json, string name, out JsonFacts? facts, out string why)
    {
        facts = null;
        why = $"it is longer than {MaxBytes} bytes";
        if (json.Length > MaxBytes) return false;
        if (!JsonFacts.TryParse(json, out var root, out var fault))
        {
            why = $"it is no JSON of ours: {fault.Detail}";
            return false;
        }

        if (root.Integer("format") < 1) root.Wrong("format");
        facts = root.Object(name);
        why = root.Fault?.Detail ?? "";
        return why.Length == 0;
    }

    // The reader has checked types, lengths and signs already.
    private static string Contradiction(ElectionRecord r) =>
        r.Candidate is { } candidate && !(IsPrintable(candidate) && IsPrintable(r.CandidateUid) && IsPrintable(r.CandidateIncarnation) && r.CandidateAddress is not null) ? "its candidate is incomplete"
        : r.LastServing is { } s && !(IsPrintable(s.Node) && IsPrintable(s.Uid) && s.Token.Term <= r.Term && s.Token.Epoch <= r.HighestEpoch) ? "its last serving master contradicts it"
        : r.InSync is { } inSync && inSync.Any(i => !IsPrintable(i.Node) || !IsPrintable(i.Uid)) ? "its replicas in sync can't be"
        : r.Trusted is { } trusted && !IsPrintable(trusted) ? "the node that a person trusts can't be"
        : r.Word is { } word && !(IsPrintable(word.Node) && word.Term <= r.Term) ? "its person's word contradicts it"
        : r.Round is { } round && !IsPrintable(round) ? "its round is no nonce"
        : "";

    private static bool IsSound(CandidateEvidence e) =>
        IsPrintable(e.Node) && IsPrintable(e.Uid) && IsPrintable(e.Incarnation) && (e.LastServing is null || IsPrintable(e.LastServing.Node.Name));

    private static bool IsPrintable(string? text) => text is not null && !text.Any(char.IsControl);
}
