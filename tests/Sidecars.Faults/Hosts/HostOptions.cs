using Sidecars.TestKit.Pods;

namespace Sidecars.Faults.Hosts;

/// <summary>What a <see cref="HostGroup"/> consists of.</summary>
/// <param name="Name">Part of its folder's name.</param>
/// <param name="Hosts">Hosts, each with one of everything.</param>
/// <param name="DownAfter">Sentinel's.</param>
internal sealed record HostOptions(string Name, int Hosts, TimeSpan DownAfter)
{
    /// <summary>True: Redis' data is on a disk of 64 MB each, which can be filled.</summary>
    public bool SmallDisks { get; init; }

    /// <summary>libfaketime, where clocks are to jump.</summary>
    public string? FakeTimeLibrary { get; init; }

    /// <summary>True: continuous backup, which an election restores where every disk is empty.</summary>
    public bool Backup { get; init; }

    /// <summary>True: every user has a password, from a Secret that each node has for itself.</summary>
    public bool Passwords { get; init; }

    /// <summary>What Redis nodes are told to announce.</summary>
    public PodAnnounce Announce { get; init; }

    /// <summary>False: no pod reaches itself by the address of its own Service.</summary>
    public bool Hairpin { get; init; } = true;

    /// <summary>Sentinel's.</summary>
    public TimeSpan FailoverTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
