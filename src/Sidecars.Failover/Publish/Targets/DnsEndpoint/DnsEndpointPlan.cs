using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.DnsEndpoint;

/// <summary>
/// A DNSEndpoint read as a zone, and changed as one. Pure. Entries of other names, and everything in the object that is not an entry of
/// ours, stay as they are.
/// </summary>
public static class DnsEndpointPlan
{
    /// <summary>Most entries that the object's schema admits.</summary>
    public const int MaxRecords = 1000;

    /// <summary>
    /// The record sets at some names. An entry that says more than name, type, TTL and targets, and one of several of a name and type, is
    /// <see cref="DnsRecordSet.Special"/>: what external-dns makes of it is not ours to replace.
    /// </summary>
    public static ImmutableArray<DnsRecordSet> SetsAt(DnsEndpointDocument document, params string[] names)
    {
        ArgumentNullException.ThrowIfNull(document);
        ImmutableArray<DnsRecordSet> sets = [.. (document.Endpoints ?? []).Where(record => names.Contains(NameOf(record))).Select(Set)];
        return
        [
            .. sets.GroupBy(set => (set.Name, set.Type))
                .SelectMany(group => group.Count() == 1 ? group : group.Select(set => new DnsRecordSet
                {
                    Name = set.Name, Type = set.Type, TtlSeconds = set.TtlSeconds, Values = set.Values, Special =
                        set.Special.Length > 0 ? set.Special : "given more than once",
                })),
        ];
    }

    /// <summary>Applies a change as a whole.</summary>
    /// <param name="document">As read.</param>
    /// <param name="change">What was decided on the sets of some look.</param>
    /// <param name="next">The object to write.</param>
    /// <param name="conflict">Why nothing of it can be; "" where it can.</param>
    public static bool TryApply(
        DnsEndpointDocument document, DnsChange change, [NotNullWhen(true)] out DnsEndpointDocument? next, out string conflict)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(change);
        (next, conflict) = (null, "");
        var names = change.Deletes.Concat(change.Creates).Select(set => set.Name).Distinct().ToArray();
        var there = SetsAt(document, names);
        if (change.Deletes.FirstOrDefault(delete => !there.Any(delete.SameAs)) is { } missing)
        {
            conflict = $"{missing} is not there (any more)";
            return false;
        }

        bool IsDeleted(DnsEndpointRecord record) =>
            change.Deletes.Any(delete => delete.Name == NameOf(record) && delete.Type == record.RecordType);
        ImmutableArray<DnsEndpointRecord> stay = [.. (document.Endpoints ?? []).Where(record => !IsDeleted(record))];
        if (change.Creates.FirstOrDefault(create => stay.Any(record => NameOf(record) == create.Name && record.RecordType == create.Type))
            is { } met)
        {
            conflict = $"{met.Type} of {met.Name} is there already";
            return false;
        }

        next = document with
        {
            Endpoints = [.. stay, .. change.Creates.Select(set => new DnsEndpointRecord
            { DnsName = set.Name, RecordType = set.Type, RecordTtl = set.TtlSeconds, Targets = [.. set.Values] })],
        };
        return true;
    }

    private static DnsRecordSet Set(DnsEndpointRecord record) => new()
    {
        Name = NameOf(record),
        Type = record.RecordType ?? "",
        TtlSeconds = record.RecordTtl ?? 0,
        Values = [.. (record.Targets ?? []).Select(target => record.RecordType == "CNAME" ? DnsName.Normalize(target) : target)],
        Special = SpecialOf(record),
    };

    private static string NameOf(DnsEndpointRecord record) => DnsName.Normalize(record.DnsName ?? "");

    // external-dns fills in nothing here, but a tool may write members that are empty.
    private static string SpecialOf(DnsEndpointRecord record)
    {
        var more = (record.Unknown ?? []).Where(member => !IsEmpty(member.Value)).Select(member => member.Key).Order(StringComparer.Ordinal)
            .Take(3).ToArray();
        return more.Length == 0 ? "" : "given with " + KubernetesFailure.Clip(string.Join(", ", more));
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.ValueEquals(""),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };
}
