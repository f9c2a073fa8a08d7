using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// One pod's evidence in one round, in the annotations of its own Lease, so that pods never wait for each other's
/// writes. It counts only with the nonce of the round and the UID of a pod that lives now.
/// </summary>
/// <param name="PodUid">UID of the pod.</param>
/// <param name="NodeName">Its node, for people.</param>
/// <param name="Round">Nonce of the round that it belongs to.</param>
/// <param name="Evidence">JSON text of the election's own format, at most <see cref="MaxEvidenceBytes"/>.</param>
public sealed record EvidenceDocument(string PodUid, string NodeName, string Round, string Evidence)
{
    /// <summary>Most bytes (UTF-8) of <see cref="Evidence"/>: a quarter of what the API server takes for all annotations.</summary>
    public const int MaxEvidenceBytes = 64 * 1024;

    private const string PodUidKey = SidecarAnnotations.Prefix + "pod-uid";
    private const string NodeKey = SidecarAnnotations.Prefix + "node";
    private const string RoundKey = SidecarAnnotations.Prefix + "round";
    private const string EvidenceKey = SidecarAnnotations.Prefix + "evidence";

    /// <summary>Returns the name of the Lease that holds a pod's evidence.</summary>
    public static string LeaseName(string group, string podName) => $"{group}-evidence-{podName}";

    /// <summary>Reads the evidence of a Lease; every part is required.</summary>
    public static bool TryRead(
        LeaseDocument lease, string clusterId, [NotNullWhen(true)] out EvidenceDocument? document,
        [NotNullWhen(false)] out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        document = null;
        fault = SidecarAnnotations.Check(lease, clusterId);
        var uid = Part(lease, PodUidKey, 64, ref fault);
        var node = Part(lease, NodeKey, 253, ref fault);
        var round = Part(lease, RoundKey, 64, ref fault);
        var evidence = SidecarAnnotations.Get(lease, EvidenceKey) ?? "";
        if (fault is null && (evidence.Length == 0 || Encoding.UTF8.GetByteCount(evidence) > MaxEvidenceBytes))
            fault = new AnnotationFault(EvidenceKey, $"is not 1..{MaxEvidenceBytes} bytes");
        if (fault is not null) return false;
        document = new EvidenceDocument(uid, node, round, evidence);
        return true;
    }

    /// <summary>Writes this evidence into the Lease.</summary>
    /// <exception cref="ArgumentException">A part is empty or too long.</exception>
    public LeaseDocument Apply(LeaseDocument basis, string clusterId)
    {
        ArgumentNullException.ThrowIfNull(basis);
        var annotations = SidecarAnnotations.Begin(basis, clusterId);
        annotations[PodUidKey] = PodUid;
        annotations[NodeKey] = NodeName;
        annotations[RoundKey] = Round;
        annotations[EvidenceKey] = Evidence;
        var next = basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
        return TryRead(next, clusterId, out _, out var fault) ? next : throw new ArgumentException($"can't be written: {fault}");
    }

    private static string Part(LeaseDocument lease, string name, int max, ref AnnotationFault? fault)
    {
        var text = SidecarAnnotations.Get(lease, name) ?? "";
        if (fault is null && (text.Length == 0 || text.Length > max || text.Any(char.IsControl)))
            fault = new AnnotationFault(name, $"is not 1..{max} printable characters");
        return text;
    }
}
