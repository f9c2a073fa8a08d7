using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// <see cref="ElectionRecord"/> from and to the annotations of the group's Lease, one for each part. Reading is strict: what a person
/// or a foreign program left there is a fault that names the annotation, never a fact and never an exception.
/// </summary>
public static class LeaseRecord
{
    private const string Term = SidecarAnnotations.Prefix + "term";
    private const string HighestEpoch = SidecarAnnotations.Prefix + "highest-epoch";
    private const string Candidate = SidecarAnnotations.Prefix + "candidate";
    private const string Serving = SidecarAnnotations.Prefix + ElectionRecord.ServingPart;
    private const string Lineage = SidecarAnnotations.Prefix + ElectionRecord.LineagePart;
    private const string InSync = SidecarAnnotations.Prefix + "in-sync";
    private const string EmptyStart = SidecarAnnotations.Prefix + "empty-start-allowed-in-term";
    private const string Trusted = SidecarAnnotations.Prefix + "trusted";
    private const string Word = SidecarAnnotations.Prefix + ElectionRecord.WordPart;
    private const string Round = SidecarAnnotations.Prefix + "round";

    /// <summary>
    /// Reads a Lease. One without any annotation of ours (applied as an empty manifest, say) is a group with term 0; one
    /// with some but without format and cluster id is a fault.
    /// </summary>
    public static bool TryRead(
        LeaseDocument lease, string clusterId, [NotNullWhen(true)] out ElectionRecord? record,
        [NotNullWhen(false)] out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        record = SidecarAnnotations.AnyIn(lease) ? null : new ElectionRecord();
        fault = null;
        if (record is not null) return true;
        fault = SidecarAnnotations.Check(lease, clusterId);
        if (fault is not null) return false;
        if (!SidecarAnnotations.TryGetNumber(lease, Term, 0, JsonFacts.MaxExact, out var term, out fault)) return false;
        if (!SidecarAnnotations.TryGetNumber(lease, HighestEpoch, 0, JsonFacts.MaxExact, out var epoch, out fault)) return false;
        var chosen = SidecarAnnotations.Read(lease, Candidate, JsonValueKind.Object, c => OfCandidate(c, term), ref fault)
            ?? new ElectionRecord();
        var read = chosen with
        {
            Term = term,
            HighestEpoch = epoch,
            LastServing = SidecarAnnotations.Read(lease, Serving, JsonValueKind.Object, OfServing, ref fault),
            History = [.. SidecarAnnotations.Read(lease, Lineage, JsonValueKind.Array, OfLineage, ref fault) ?? []],
            InSync = SidecarAnnotations.Read(lease, InSync, JsonValueKind.Array, OfInSync, ref fault) is { } inSync ? [.. inSync] : null,
            EmptyStartAllowedInTerm = OptionalNumber(lease, EmptyStart, ref fault),
            Trusted = OptionalName(lease, Trusted, NodeIdentity.MaxNameLength, ref fault),
            Word = SidecarAnnotations.Read(lease, Word, JsonValueKind.Object, w => ElectionJsonReader.Word(w, "podName"), ref fault),
            Round = OptionalName(lease, Round, NodeIdentity.MaxUidLength, ref fault),
        };
        if (fault is null && read.Contradiction is { } wrong)
            fault = new AnnotationFault(SidecarAnnotations.Prefix + wrong.Part, wrong.Why);
        if (fault is not null) return false;
        record = read;
        return true;
    }

    /// <summary>
    /// The Lease with <paramref name="record"/> in its annotations. A part that has not changed keeps its text, and with
    /// it what a newer neighbour wrote inside; annotations that are not ours are not touched.
    /// </summary>
    /// <exception cref="ArgumentException">The record breaks its own bounds.</exception>
    public static LeaseDocument Apply(LeaseDocument basis, string clusterId, ElectionRecord record)
    {
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(record);
        var before = Parts(TryRead(basis, clusterId, out var read, out _) ? read : new ElectionRecord());
        var annotations = SidecarAnnotations.Begin(basis, clusterId);
        foreach (var (name, text) in Parts(record))
        {
            if (before[name] == text && annotations.ContainsKey(name)) continue;
            if (text is null) annotations.Remove(name);
            else annotations[name] = text;
        }

        var next = basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
        // What nobody could read back must not be written: a group whose Lease is unreadable elects nobody.
        return TryRead(next, clusterId, out _, out var fault)
            ? next
            : throw new ArgumentException($"can't be written: {fault}", nameof(record));
    }

    private static Dictionary<string, string?> Parts(ElectionRecord record) => new(StringComparer.Ordinal)
    {
        [Term] = SidecarAnnotations.Number(record.Term),
        [HighestEpoch] = SidecarAnnotations.Number(record.HighestEpoch),
        [Candidate] = record.Candidate is null ? null : JsonText.OfObject(json =>
        {
            json.WriteString("podUid", record.CandidateUid);
            json.WriteString("podName", record.Candidate);
            json.WriteString("address", record.CandidateAddress?.ToString());
            json.WriteNumber("term", record.Term);
            json.WriteString("incarnation", record.CandidateIncarnation);
        }),
        [Serving] = record.LastServing is not { } serving ? null : JsonText.OfObject(json =>
        {
            json.WriteString("podUid", serving.Uid);
            json.WriteString("podName", serving.Node);
            json.WriteString("address", serving.Address.ToString());
            json.WriteNumber("term", serving.Token.Term);
            json.WriteNumber("epoch", serving.Token.Epoch);
            json.WriteNumber("rev", serving.Token.Rev);
            json.WriteString("replicationId", serving.ReplicationId.ToString());
            json.WriteNumber("offset", serving.Offset);
        }),
        [Lineage] = JsonText.OfObjects(record.History.TakeLast(LineageHistory.MaxEntries), (json, entry) =>
        {
            json.WriteString("id", entry.Id.ToString());
            json.WriteNumber("offset", entry.StartOffset);
            json.WriteNumber("term", entry.Position.Term);
            json.WriteNumber("epoch", entry.Position.Epoch);
            json.WriteNumber("generation", entry.Position.Generation);
            json.WriteString("master", entry.Master.Uid);
            json.WriteString("masterName", entry.Master.Name);
        }),
        [InSync] = record.InSync is not { } inSync ? null : JsonText.OfObjects(inSync, (json, replica) =>
        {
            json.WriteString("uid", replica.Uid);
            json.WriteString("name", replica.Node);
            json.WriteNumber("offset", replica.Offset);
        }),
        [EmptyStart] = record.EmptyStartAllowedInTerm is { } allowed ? SidecarAnnotations.Number(allowed) : null,
        [Trusted] = record.Trusted,
        [Word] = record.Word is not { } word ? null : JsonText.OfObject(json => ElectionJsonWriter.Word(json, word, "podName")),
        [Round] = record.Round,
    };

    // The candidate's own term is not kept apart: it is the record's, or an edit by hand.
    private static ElectionRecord OfCandidate(JsonFacts c, long term)
    {
        if (c.Integer("term", JsonFacts.MaxExact) > term) c.Wrong("term", "is above the group's");
        return new ElectionRecord
        {
            Candidate = c.Name("podName", NodeIdentity.MaxNameLength),
            CandidateUid = c.Name("podUid", NodeIdentity.MaxUidLength),
            CandidateIncarnation = c.Name("incarnation", NodeIdentity.MaxUidLength),
            CandidateAddress = LineageJson.Address(c, "address"),
        };
    }

    private static ServingMaster OfServing(JsonFacts s) => new(
        s.Name("podName", NodeIdentity.MaxNameLength), s.Name("podUid", NodeIdentity.MaxUidLength), LineageJson.Address(s, "address"),
        new FencingToken(Number(s, "term"), Number(s, "epoch"), Number(s, "rev")), LineageJson.Id(s, "replicationId"), Number(s, "offset"));

    private static IEnumerable<LineageEntry> OfLineage(JsonFacts list) => LineageJson.History(
        list.Items(LineageHistory.MaxEntries),
        e => new LineageEntry(
            LineageJson.Id(e, "id"), Number(e, "offset"),
            new LineagePosition(Number(e, "term"), Number(e, "epoch"), Number(e, "generation")),
            new NodeIdentity(e.Name("masterName", NodeIdentity.MaxNameLength), e.Name("master", NodeIdentity.MaxUidLength))),
        list);

    private static List<InSyncReplica> OfInSync(JsonFacts list) =>
        [.. list.Items(ElectionRecord.MaxInSync).Select(r => ElectionJsonReader.InSync(r, "name"))];

    private static long Number(JsonFacts item, string name) => item.Integer(name, JsonFacts.MaxExact);

    private static long? OptionalNumber(LeaseDocument lease, string name, ref AnnotationFault? fault)
    {
        if (fault is not null || SidecarAnnotations.Get(lease, name) is null) return null;
        return SidecarAnnotations.TryGetNumber(lease, name, 0, JsonFacts.MaxExact, out var value, out fault) ? value : null;
    }

    private static string? OptionalName(LeaseDocument lease, string name, int max, ref AnnotationFault? fault)
    {
        if (fault is not null || SidecarAnnotations.Get(lease, name) is not { } text) return null;
        if (text.Length >= 1 && text.Length <= max && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':'))
            return text;
        fault = new AnnotationFault(name, $"is not 1..{max} of a-z A-Z 0-9 . _ : -");
        return null;
    }
}
