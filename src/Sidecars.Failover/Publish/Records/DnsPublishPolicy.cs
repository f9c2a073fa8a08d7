using System.Collections.Immutable;

namespace Sidecars.Failover.Publish.Records;

/// <summary>
/// Whether and how the record is written. A token decides, never a time; nothing is touched whose owner is not this group. What is
/// written replaces exactly what was read, so a decision on an old snapshot fails at the zone and does no harm.
/// </summary>
public static class DnsPublishPolicy
{
    private static readonly string[] AddressTypes = ["A", "AAAA", "CNAME"];

    /// <summary>Decides.</summary>
    /// <param name="wanted">What this writer knows.</param>
    /// <param name="zone">What is there.</param>
    public static TargetPlan<DnsChange> Decide(DnsPublication wanted, DnsSnapshot zone)
    {
        var owners = zone.Sets.Where(set => set.Name == wanted.OwnerName && set.Type == "TXT").ToImmutableArray();
        var addresses = zone.Sets.Where(set => set.Name == wanted.Name && AddressTypes.Contains(set.Type)).ToImmutableArray();
        if (owners.Concat(addresses).FirstOrDefault(set => set.Special.Length > 0) is { } special)
            return TokenPlan.Refuse<DnsChange>("special-record",
                $"{special.Type} of {special.Name} is {special.Special}: only plain records are written; remove it, "
                + "or choose another name");
        if (wanted.State.Target.Type == "CNAME"
            && zone.Sets.FirstOrDefault(set => set.Name == wanted.Name && !AddressTypes.Contains(set.Type)) is { } beside)
            return TokenPlan.Refuse<DnsChange>(
                "name-in-use", $"a {beside.Type} record stands at {wanted.Name}, and nothing may stand beside a CNAME");
        return owners.IsEmpty ? First(wanted, addresses) : Next(wanted, owners[0], addresses);
    }

    /// <summary>What a zone says of the master: null where it says nothing, or nothing that is understood.</summary>
    /// <param name="ownerName">Name of the TXT record.</param>
    /// <param name="zone">What is there.</param>
    public static DnsRecordState? Published(string ownerName, DnsSnapshot zone) =>
        zone.Sets.FirstOrDefault(set => set.Name == ownerName && set.Type == "TXT") is { Values: [var text] }
        && DnsRecordDocument.TryParse(text, out var state, out _)
            ? state
            : null;

    private static TargetPlan<DnsChange> First(DnsPublication wanted, ImmutableArray<DnsRecordSet> addresses) =>
        addresses.IsEmpty
            ? new TargetPlan<DnsChange>.Write("first", $"{wanted.Name} is free", Change(wanted, []))
            : TokenPlan.Refuse<DnsChange>("record-not-ours",
                $"{addresses[0]} is there without a TXT record of ours at {wanted.OwnerName}: whose is it? Delete it, "
                + "or choose another name");

    private static TargetPlan<DnsChange> Next(DnsPublication wanted, DnsRecordSet owner, ImmutableArray<DnsRecordSet> addresses)
    {
        var isNewer = false;
        if (owner.Values.Length != 1 || !DnsRecordDocument.TryParse(owner.Values[0], out var published, out isNewer))
        {
            return isNewer
                ? TokenPlan.Refuse<DnsChange>("newer-format", $"the TXT record at {owner.Name} is of a later version: update this sidecar")
                : TokenPlan.Refuse<DnsChange>(
                    "owner-unreadable", $"the TXT record at {owner.Name} is none of ours: {owner.Values.FirstOrDefault("(empty)")}");
        }

        if (published.Cluster != wanted.State.Cluster)
            return TokenPlan.Refuse<DnsChange>(
                "foreign-owner", $"{wanted.Name} belongs to {published.Cluster}, not to {wanted.State.Cluster}");

        var isExact = addresses.Length == 1 && addresses[0].SameAs(wanted.AddressSet) && owner.SameAs(wanted.OwnerSet);
        return TokenPlan.Decide(
            wanted.State.Token, wanted.State.Target.Value, published.Master, isExact, Change(wanted, [owner, .. addresses]));
    }

    private static DnsChange Change(DnsPublication wanted, ImmutableArray<DnsRecordSet> old) =>
        new(old, [wanted.OwnerSet, wanted.AddressSet]);
}
