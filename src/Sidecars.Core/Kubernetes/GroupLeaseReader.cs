using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// <see cref="GroupLeaseDocument"/> from and to the annotations of a Lease. Reading is strict: what a person or a foreign
/// program left there is a fault that names the annotation, never a fact and never an exception.
/// </summary>
public static class GroupLeaseReader
{
    private const string Term = SidecarAnnotations.Prefix + "term";
    private const string HighestEpoch = SidecarAnnotations.Prefix + "highest-epoch";
    private const string Candidate = SidecarAnnotations.Prefix + "candidate";
    private const string Serving = SidecarAnnotations.Prefix + "last-serving";
    private const string Lineage = SidecarAnnotations.Prefix + "lineage";
    private const string InSync = SidecarAnnotations.Prefix + "in-sync";
    private const string EmptyStart = SidecarAnnotations.Prefix + "empty-start-allowed-in-term";
    private const string Trusted = SidecarAnnotations.Prefix + "trusted";
    private const string PersonsWord = SidecarAnnotations.Prefix + "persons-word";
    private const string Round = SidecarAnnotations.Prefix + "round";
    private const string Durability = SidecarAnnotations.Prefix + "durability";
    private const string Fence = SidecarAnnotations.Prefix + "fence";

    /// <summary>
    /// Reads a Lease. One without any annotation of ours (applied as an empty manifest, say) is a group with term 0; one
    /// with some but without format and cluster id is a fault.
    /// </summary>
    public static bool TryRead(
        LeaseDocument lease, string clusterId, [NotNullWhen(true)] out GroupLeaseDocument? document, [NotNullWhen(false)] out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        document = null;
        fault = null;
        if (!SidecarAnnotations.AnyIn(lease))
        {
            document = new GroupLeaseDocument();
            return true;
        }

        fault = SidecarAnnotations.Check(lease, clusterId);
        if (fault is not null) return false;
        if (!SidecarAnnotations.TryGetNumber(lease, Term, 0, GroupLeaseDocument.MaxNumber, out var term, out fault)) return false;
        if (!SidecarAnnotations.TryGetNumber(lease, HighestEpoch, 0, GroupLeaseDocument.MaxNumber, out var epoch, out fault)) return false;
        var read = new GroupLeaseDocument
        {
            Term = term,
            HighestEpoch = epoch,
            Candidate = AnnotationJson.Read(lease, Candidate, JsonValueKind.Object, ReadCandidate, ref fault),
            LastServing = AnnotationJson.Read(lease, Serving, JsonValueKind.Object, ReadServing, ref fault),
            Lineage = AnnotationJson.Read(lease, Lineage, JsonValueKind.Array, a => AnnotationJson.Items(a, GroupLeaseDocument.MaxLineage, ReadPoint), ref fault) ?? [],
            InSync = AnnotationJson.Read(lease, InSync, JsonValueKind.Array, a => AnnotationJson.Items(a, GroupLeaseDocument.MaxInSync, ReadPod), ref fault),
            EmptyStartAllowedInTerm = Optional(lease, EmptyStart, ref fault),
            Trusted = Word(lease, Trusted, 253, ref fault),
            Word = AnnotationJson.Read(lease, PersonsWord, JsonValueKind.Object, ReadWord, ref fault),
            Round = Word(lease, Round, 64, ref fault),
            Durability = Word(lease, Durability, 16, ref fault),
            Fence = AnnotationJson.Read(lease, Fence, JsonValueKind.Object, ReadFence, ref fault),
        };
        fault ??= Contradiction(read);
        if (fault is not null) return false;
        document = read;
        return true;
    }

    /// <summary>
    /// The Lease with <paramref name="document"/> in its annotations. A value that has not changed keeps its text, and with
    /// it what a newer neighbour wrote inside; annotations that are not ours are not touched.
    /// </summary>
    /// <exception cref="ArgumentException">The document breaks its own bounds.</exception>
    public static LeaseDocument Apply(LeaseDocument basis, string clusterId, GroupLeaseDocument document)
    {
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(document);
        var before = TryRead(basis, clusterId, out var read, out _) ? read : new GroupLeaseDocument();
        var annotations = SidecarAnnotations.Begin(basis, clusterId);
        annotations[Term] = SidecarAnnotations.Number(document.Term);
        annotations[HighestEpoch] = SidecarAnnotations.Number(document.HighestEpoch);
        Set(Candidate, before.Candidate == document.Candidate, document.Candidate is { } c ? AnnotationJson.Write(j => Write(j, c)) : null);
        Set(Serving, before.LastServing == document.LastServing, document.LastServing is { } s ? AnnotationJson.Write(j => Write(j, s)) : null);
        Set(Lineage, before.Lineage.SequenceEqual(document.Lineage), AnnotationJson.Write(j => Write(j, document.Lineage.TakeLast(GroupLeaseDocument.MaxLineage))));
        Set(InSync, before.InSync is not null && document.InSync is not null && before.InSync.SequenceEqual(document.InSync), document.InSync is { } i ? AnnotationJson.Write(j => Write(j, i)) : null);
        Set(EmptyStart, before.EmptyStartAllowedInTerm == document.EmptyStartAllowedInTerm, document.EmptyStartAllowedInTerm is { } e ? SidecarAnnotations.Number(e) : null);
        Set(Trusted, before.Trusted == document.Trusted, document.Trusted);
        Set(PersonsWord, before.Word == document.Word, document.Word is { } w ? AnnotationJson.Write(j => Write(j, w)) : null);
        Set(Round, before.Round == document.Round, document.Round);
        Set(Durability, before.Durability == document.Durability, document.Durability);
        Set(Fence, before.Fence == document.Fence, document.Fence is { } f ? AnnotationJson.Write(j => Write(j, f)) : null);
        var next = basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
        // What nobody could read back must not be written: a group whose Lease is unreadable elects nobody.
        return TryRead(next, clusterId, out _, out var fault) ? next : throw new ArgumentException($"can't be written: {fault}", nameof(document));

        void Set(string name, bool same, string? value)
        {
            if (same && annotations.ContainsKey(name)) return;
            if (value is null) annotations.Remove(name);
            else annotations[name] = value;
        }
    }

    // A term below what it has already given out means an edit or an old copy: every fence built on it would fail.
    private static AnnotationFault? Contradiction(GroupLeaseDocument read) =>
        read.Candidate?.Term > read.Term ? new AnnotationFault(Candidate, $"has a term above {Term}")
        : read.LastServing?.Term > read.Term ? new AnnotationFault(Serving, $"has a term above {Term}")
        : read.LastServing?.Epoch > read.HighestEpoch ? new AnnotationFault(Serving, $"has an epoch above {HighestEpoch}")
        : read.Word?.Term > read.Term ? new AnnotationFault(PersonsWord, $"has a term above {Term}")
        : read.Lineage.Any(p => p.Term > read.Term) ? new AnnotationFault(Lineage, $"has a term above {Term}")
        : null;

    private static long? Optional(LeaseDocument lease, string name, ref AnnotationFault? fault)
    {
        if (fault is not null || SidecarAnnotations.Get(lease, name) is null) return null;
        return SidecarAnnotations.TryGetNumber(lease, name, 0, GroupLeaseDocument.MaxNumber, out var value, out fault) ? value : null;
    }

    private static string? Word(LeaseDocument lease, string name, int max, ref AnnotationFault? fault)
    {
        if (fault is not null || SidecarAnnotations.Get(lease, name) is not { } text) return null;
        if (text.Length >= 1 && text.Length <= max && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':')) return text;
        fault = new AnnotationFault(name, $"is not 1..{max} of a-z A-Z 0-9 . _ : -");
        return null;
    }

    private static LeaseCandidate ReadCandidate(JsonElement j) =>
        new(AnnotationJson.Text(j, "podUid", 64), AnnotationJson.Text(j, "podName", 253), AnnotationJson.Address(j, "address"), Number(j, "term"),
            AnnotationJson.Text(j, "incarnation", 64));

    private static LeaseServing ReadServing(JsonElement j) => new(
        AnnotationJson.Text(j, "podUid", 64), AnnotationJson.Text(j, "podName", 253), AnnotationJson.Address(j, "address"),
        Number(j, "term"), Number(j, "epoch"), Number(j, "rev"), AnnotationJson.Hex40(j, "replicationId"), Number(j, "offset"));

    private static LineagePoint ReadPoint(JsonElement j) =>
        new(AnnotationJson.Hex40(j, "id"), Number(j, "offset"), Number(j, "term"), Number(j, "epoch"), Number(j, "generation"),
            AnnotationJson.Text(j, "master", 64), AnnotationJson.Text(j, "masterName", 253));

    private static InSyncPod ReadPod(JsonElement j) => new(AnnotationJson.Text(j, "uid", 64), AnnotationJson.Text(j, "name", 253), Number(j, "offset"));

    private static LeaseWord ReadWord(JsonElement j) => new(AnnotationJson.Text(j, "kind", 16), AnnotationJson.Text(j, "podName", 253), Number(j, "term"));

    private static FenceFact ReadFence(JsonElement j) => new(AnnotationJson.Text(j, "podUid", 64), AnnotationJson.Text(j, "reason", 200));

    private static long Number(JsonElement j, string name)
    {
        var number = AnnotationJson.Number(j, name);
        return number <= GroupLeaseDocument.MaxNumber ? number : throw new AnnotationException($"{name} is above 2^53");
    }

    private static void Write(Utf8JsonWriter j, LeaseCandidate c)
    {
        j.WriteStartObject();
        j.WriteString("podUid", c.PodUid);
        j.WriteString("podName", c.PodName);
        j.WriteString("address", c.Address.ToString());
        j.WriteNumber("term", c.Term);
        j.WriteString("incarnation", c.Incarnation);
        j.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter j, LeaseServing s)
    {
        j.WriteStartObject();
        j.WriteString("podUid", s.PodUid);
        j.WriteString("podName", s.PodName);
        j.WriteString("address", s.Address.ToString());
        j.WriteNumber("term", s.Term);
        j.WriteNumber("epoch", s.Epoch);
        j.WriteNumber("rev", s.Rev);
        j.WriteString("replicationId", s.ReplicationId);
        j.WriteNumber("offset", s.Offset);
        j.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter j, IEnumerable<LineagePoint> points)
    {
        j.WriteStartArray();
        foreach (var point in points)
        {
            j.WriteStartObject();
            j.WriteString("id", point.ReplicationId);
            j.WriteNumber("offset", point.Offset);
            j.WriteNumber("term", point.Term);
            j.WriteNumber("epoch", point.Epoch);
            j.WriteNumber("generation", point.Generation);
            j.WriteString("master", point.MasterUid);
            j.WriteString("masterName", point.MasterName);
            j.WriteEndObject();
        }

        j.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter j, IEnumerable<InSyncPod> pods)
    {
        j.WriteStartArray();
        foreach (var pod in pods)
        {
            j.WriteStartObject();
            j.WriteString("uid", pod.Uid);
            j.WriteString("name", pod.Name);
            j.WriteNumber("offset", pod.Offset);
            j.WriteEndObject();
        }

        j.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter j, LeaseWord w)
    {
        j.WriteStartObject();
        j.WriteString("kind", w.Kind);
        j.WriteString("podName", w.PodName);
        j.WriteNumber("term", w.Term);
        j.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter j, FenceFact f)
    {
        j.WriteStartObject();
        j.WriteString("podUid", f.PodUid);
        j.WriteString("reason", f.Reason);
        j.WriteEndObject();
    }
}
