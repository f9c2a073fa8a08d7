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

    /// <summary>Writes a record.</summary>
    public static byte[] Write(ElectionRecord record) => JsonText.Object(json =>
    {
        json.WriteNumber("format", 1);
        ElectionJsonWriter.Record(json, record);
    }).ToArray();

    /// <summary>Evidence; whether its writer lives is not part of it.</summary>
    public static byte[] Write(CandidateEvidence evidence) => JsonText.Object(json =>
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
        why = facts!.Fault is { } fault ? $"it is not an election record: {fault.Detail}"
            : read.Contradiction is { } wrong ? $"its {wrong.Part} {wrong.Why}"
            : "";
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
        if (facts!.Fault is not null) return false;
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
            why = $"it is not JSON of ours: {fault.Detail}";
            return false;
        }

        if (root.Integer("format") < 1) root.Wrong("format");
        facts = root.Object(name);
        why = root.Fault?.Detail ?? "";
        return why.Length == 0;
    }
}
