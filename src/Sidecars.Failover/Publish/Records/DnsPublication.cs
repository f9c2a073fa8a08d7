namespace Sidecars.Failover.Publish.Records;

/// <summary>What is to be published, and under which name.</summary>
public sealed class DnsPublication
{
    /// <summary>
    /// Default of <see cref="TtlSeconds"/>: clients that ask again see a switch within this, and resolvers are asked 12 times a minute at
    /// most.
    /// </summary>
    public const int DefaultTtlSeconds = 5;

    /// <summary>The name that clients use; lower case, without the last dot.</summary>
    public required string Name { get; init; }

    /// <summary>State and target.</summary>
    public required DnsRecordState State { get; init; }

    /// <summary>Seconds, 1..3600.</summary>
    public int TtlSeconds { get; init; } = DefaultTtlSeconds;

    /// <summary>Where the TXT record lies: beside the name and not at it, since nothing may stand beside a CNAME.</summary>
    public string OwnerName => OwnerNameOf(Name);

    /// <summary>Returns the name of the TXT record that belongs to a record.</summary>
    public static string OwnerNameOf(string name) => "_redis-master." + name;

    /// <summary>The address.</summary>
    public DnsRecordSet AddressSet =>
        new() { Name = Name, Type = State.Target.Type, TtlSeconds = TtlSeconds, Values = [State.Target.Value] };

    /// <summary>Whose it is, beside it.</summary>
    public DnsRecordSet OwnerSet =>
        new() { Name = OwnerName, Type = "TXT", TtlSeconds = TtlSeconds, Values = [DnsRecordDocument.Write(State)] };
}
