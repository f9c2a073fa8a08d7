namespace Sidecars.Failover.Publish.Records;

/// <summary>What to do about the record. <see cref="Code"/> is a label of metrics.</summary>
public abstract record DnsDecision
{
    private DnsDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Short and stable.</summary>
    public string Code { get; }

    /// <summary>In words, with the facts.</summary>
    public string Reason { get; }

    /// <summary>Write.</summary>
    public sealed record Publish : DnsDecision
    {
        internal Publish(string code, string reason, DnsChange change)
            : base(code, reason) => Change = change;

        /// <summary>The batch.</summary>
        public DnsChange Change { get; }
    }

    /// <summary>Nothing: it is as it should be.</summary>
    public sealed record UpToDate : DnsDecision
    {
        internal UpToDate(string reason)
            : base("up-to-date", reason)
        {
        }
    }

    /// <summary>Stop: a newer writer was here; what this one knows is old.</summary>
    public sealed record Superseded : DnsDecision
    {
        internal Superseded(string reason, DnsRecordState published)
            : base("superseded", reason) => Published = published;

        /// <summary>What stands there.</summary>
        public DnsRecordState Published { get; }
    }

    /// <summary>Alert a person and write nothing: with this token, two name different masters. Only a higher token settles it.</summary>
    public sealed record Contested : DnsDecision
    {
        internal Contested(string reason, DnsRecordState published)
            : base("contested", reason) => Published = published;

        /// <summary>What stands there.</summary>
        public DnsRecordState Published { get; }
    }

    /// <summary>Write nothing: what is there is not ours, or not ours to understand. A person decides.</summary>
    public sealed record Refuse : DnsDecision
    {
        internal Refuse(string code, string reason)
            : base(code, reason)
        {
        }
    }
}
