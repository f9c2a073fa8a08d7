using System.Collections.Immutable;

namespace Sidecars.Failover.Publish.Records;

/// <summary>All records of one name and type, as a zone holds them: what is deleted must be named exactly.</summary>
public sealed class DnsRecordSet
{
    /// <summary>Lower case, without the last dot.</summary>
    public required string Name { get; init; }

    /// <summary><c>A</c>, <c>AAAA</c>, <c>CNAME</c>, <c>TXT</c> …</summary>
    public required string Type { get; init; }

    /// <summary>How long resolvers may keep it, in seconds.</summary>
    public long TtlSeconds { get; init; }

    /// <summary>As the zone writes them; names without their last dot.</summary>
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>
    /// What makes it more than a plain set of records (an alias, a weight, a region): in words, "" for none. Such a set is never
    /// touched: other sets of the same name and type may stand beside it.
    /// </summary>
    public string Special { get; init; } = "";

    /// <summary>Returns true if both are equal in everything.</summary>
    public bool SameAs(DnsRecordSet other) =>
        Name == other.Name && Type == other.Type && TtlSeconds == other.TtlSeconds && Special == other.Special
        && Values.SequenceEqual(other.Values);

    /// <summary><c>name ttl type values</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name} {TtlSeconds} {Type} {string.Join(' ', Values)}");
}

/// <summary>Everything that the zone holds at the two names of one group. If a part can't be read, there is no snapshot.</summary>
/// <param name="sets">Record sets of either name, of any type.</param>
public sealed class DnsSnapshot(ImmutableArray<DnsRecordSet> sets)
{
    /// <summary>Record sets of either name, of any type.</summary>
    public ImmutableArray<DnsRecordSet> Sets => sets;

    /// <summary>What the zone holds once a change is applied: a hypothesis, until the next read or write confirms it.</summary>
    public DnsSnapshot After(DnsChange change) => new([.. sets.Where(set => !change.Deletes.Any(set.SameAs)), .. change.Creates]);
}

/// <summary>One batch: all or nothing. Deletions name exactly what was read, creations meet nothing; else it is a conflict.</summary>
/// <param name="deletes">Exactly as read.</param>
/// <param name="creates">What is to be there.</param>
public sealed class DnsChange(ImmutableArray<DnsRecordSet> deletes, ImmutableArray<DnsRecordSet> creates)
{
    /// <summary>Exactly as read.</summary>
    public ImmutableArray<DnsRecordSet> Deletes => deletes;

    /// <summary>What is to be there.</summary>
    public ImmutableArray<DnsRecordSet> Creates => creates;
}
