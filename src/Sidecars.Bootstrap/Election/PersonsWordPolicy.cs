using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>Whether what is known contradicts a person's word before it is recorded. Pure.</summary>
public static class PersonsWordPolicy
{
    /// <summary>Why an empty start can't be allowed; null where nothing speaks against it.</summary>
    public static string? AgainstAllowEmpty(ElectionView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        var full = view.Evidence.Where(e => e.Live && MayHoldData(e)).ToList();
        return full.Count == 0 ? null
            : $"{Describe(full)}: say whose data count with 'redis-bootstrap trust NODE', or empty that disk first";
    }

    /// <summary>Why a living master contradicts an empty start; null where none lives.</summary>
    /// <param name="masters">Addresses of the nodes that say master now.</param>
    public static string? AgainstAllowEmpty(IReadOnlyList<RedisEndpoint> masters)
    {
        ArgumentNullException.ThrowIfNull(masters);
        return masters.Count > 0 ? $"{masters[0]} is master: nobody needs to start empty" : null;
    }

    /// <summary>
    /// Why a living master contradicts the trust in <paramref name="node"/>; null where none does. Of two masters the word says which.
    /// </summary>
    /// <param name="view">The record, with the addresses that the node has had.</param>
    /// <param name="node">The name of the trusted node.</param>
    /// <param name="masters">Addresses of the nodes that say master now.</param>
    public static string? AgainstTrust(ElectionView view, string node, IReadOnlyList<RedisEndpoint> masters)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(masters);
        var isItsOwn = masters is [var only]
            && (view.Evidence.Any(e => e.Node == node && e.Address == only)
                || (view.Record.LastServing is { } last && last.Node == node && last.Address == only));
        return masters.Count != 1 || isItsOwn ? null
            : $"{masters[0]} is master and is not {node}: stop it first, or 'redis-failover step-down' hands over without a loss";
    }

    /// <summary>
    /// What speaks against an empty start: data, or files that may hold some; not what a replica leaves that died before its first copy.
    /// </summary>
    internal static bool MayHoldData(CandidateEvidence evidence) =>
        evidence.Data != DataState.Absent && !(evidence.Data == DataState.Empty && evidence.Position is null);

    /// <summary>What lies on the disks of these, in words.</summary>
    internal static string Describe(IEnumerable<CandidateEvidence> full) =>
        string.Join(", ", full.Select(e => e.HasData ? $"{e.Node} has data" : $"{e.Node} has files that can't be trusted ({e.Why})"));

    /// <summary>Why the data of <paramref name="node"/> can't be declared the group's; null where nothing speaks against it.</summary>
    public static string? AgainstTrust(ElectionView view, string node)
    {
        ArgumentNullException.ThrowIfNull(view);
        var evidence = view.Evidence.Where(e => e.Node == node).OrderByDescending(e => e.Live).FirstOrDefault();
        if (evidence is null && view.Record.LastServing?.Node != node)
        {
            var known = view.Evidence.Select(e => e.Node).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            return $"nothing is known of a node {node}; known are {(known.Count == 0 ? "none" : string.Join(", ", known))}";
        }

        return evidence is not { Live: true } ? null
            : evidence.Data == DataState.Absent ? $"the disk of {node} is empty; 'redis-bootstrap allow-empty' starts an empty group"
            : !evidence.HasData ? $"the data of {node} can't be trusted ({evidence.Why})"
            : null;
    }
}
