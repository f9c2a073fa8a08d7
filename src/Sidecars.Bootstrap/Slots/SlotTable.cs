using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Slots;

/// <summary>Which pod has a Sentinel slot.</summary>
/// <param name="PodUid">UID of the pod.</param>
/// <param name="PodName">Its name, by which the API server is asked whether it lives.</param>
/// <param name="Address">Where its Sentinel answers.</param>
/// <param name="Heartbeat">Raised at each start of the pod's container; only its change means anything.</param>
public sealed record SlotClaim(string PodUid, string PodName, RedisEndpoint Address, long Heartbeat);

/// <summary>
/// The Sentinel slots of a group, in the annotations of the Lease <c>&lt;group&gt;-sentinels</c>. A Sentinel's identity is
/// its slot: a fresh id for each pod would leave ghost voters, and one id alive twice elects two leaders. Immutable.
/// </summary>
public sealed record SlotTable
{
    /// <summary>Slots are numbered 0..31: more Sentinels than any group has, and a bound for the annotations.</summary>
    public const int MaxSlots = 32;

    private const string SlotPrefix = SidecarAnnotations.Prefix + "slot-";

    private readonly Dictionary<int, SlotClaim> _claims;

    private SlotTable(Dictionary<int, SlotClaim> claims) => _claims = claims;

    /// <summary>Nobody has a slot.</summary>
    public static SlotTable Empty { get; } = new([]);

    /// <summary>The claims by slot.</summary>
    public IReadOnlyDictionary<int, SlotClaim> Claims => _claims;

    /// <summary>The slot of a pod, null where it has none.</summary>
    public int? SlotOf(string podUid)
    {
        foreach (var (slot, claim) in _claims)
            if (claim.PodUid == podUid) return slot;
        return null;
    }

    /// <summary>The table with a slot given to a pod; any other slot of that pod is given up.</summary>
    public SlotTable With(int slot, SlotClaim claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, MaxSlots);
        var next = new Dictionary<int, SlotClaim>(_claims);
        if (SlotOf(claim.PodUid) is { } other) next.Remove(other);
        next[slot] = claim;
        return new SlotTable(next);
    }

    /// <summary>
    /// Calculates the <c>sentinel myid</c> of a slot: SHA-1 of <c>&lt;cluster id&gt;/&lt;slot&gt;</c>, 40 lower-case hexadecimal digits.
    /// </summary>
    [SuppressMessage("Security", "CA5350", Justification = "An identity of the length that Sentinel wants; nothing is protected by it.")]
    public static string MyId(ClusterId cluster, int slot)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        return Convert.ToHexStringLower(
            SHA1.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{cluster.Value}/{slot}"))));
    }

    /// <summary>Reads the table; a Lease without any annotation of ours is an empty one.</summary>
    public static bool TryRead(
        LeaseDocument lease, ClusterId cluster, [NotNullWhen(true)] out SlotTable? table, [NotNullWhen(false)] out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(cluster);
        table = SidecarAnnotations.AnyIn(lease) ? null : Empty;
        fault = table is null ? SidecarAnnotations.Check(lease, cluster.Value) : null;
        if (table is not null) return true;
        if (fault is not null) return false;
        var claims = new Dictionary<int, SlotClaim>();
        var pods = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in lease.Annotations.Keys.Where(k => k.StartsWith(SlotPrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal))
        {
            if (!TryReadSlot(name, out var slot))
            {
                fault = new AnnotationFault(name, $"is no slot 0..{MaxSlots - 1}");
                return false;
            }

            var expected = MyId(cluster, slot);
            var claim = SidecarAnnotations.Read(lease, name, JsonValueKind.Object, j => ReadClaim(j, expected), ref fault);
            if (claim is null)
            {
                fault ??= new AnnotationFault(name, "is null");
                return false;
            }

            // One pod runs one Sentinel: two claims are an edit by hand, and freeing either could free the wrong one.
            if (!pods.Add(claim.PodUid))
            {
                fault = new AnnotationFault(name, "names a pod that has another slot too");
                return false;
            }

            claims[slot] = claim;
        }

        table = new SlotTable(claims);
        return true;
    }

    /// <summary>Writes this table into the Lease.</summary>
    public LeaseDocument Apply(LeaseDocument basis, ClusterId cluster)
    {
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(cluster);
        var annotations = SidecarAnnotations.Begin(basis, cluster.Value);
        foreach (var name in annotations.Keys.Where(k => k.StartsWith(SlotPrefix, StringComparison.Ordinal)).ToList())
            annotations.Remove(name);
        foreach (var (slot, claim) in _claims)
            annotations[SlotPrefix + SidecarAnnotations.Number(slot)] = Write(claim, MyId(cluster, slot));
        return basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
    }

    private static bool TryReadSlot(string name, out int slot) =>
        int.TryParse(name.AsSpan(SlotPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out slot)
        && slot < MaxSlots && name == SlotPrefix + SidecarAnnotations.Number(slot); // "slot-01" would be slot 1 a second time

    private static SlotClaim ReadClaim(JsonFacts j, string expectedId)
    {
        if (j.Text("myid", expectedId.Length) != expectedId) j.Wrong("myid", "is not that of this cluster's slot");
        return new SlotClaim(
            j.Name("podUid", NodeIdentity.MaxUidLength), j.Name("podName", NodeIdentity.MaxNameLength), LineageJson.Address(j, "address"),
            j.Integer("heartbeat"));
    }

    private static string Write(SlotClaim claim, string myId) => JsonText.OfObject(j =>
    {
        j.WriteString("podUid", claim.PodUid);
        j.WriteString("podName", claim.PodName);
        j.WriteString("address", claim.Address.ToString());
        j.WriteString("myid", myId);
        j.WriteNumber("heartbeat", claim.Heartbeat);
    });
}
