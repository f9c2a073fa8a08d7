namespace Sidecars.TestKit.Pods;

/// <summary>What ANNOUNCE_HOST of a Redis is.</summary>
public enum PodAnnounce
{
    /// <summary>The full name of the Service in front of the pod, as manifests/base has it.</summary>
    Service,

    /// <summary>The pod's name alone, which its own hosts file knows: what manifests/base once had.</summary>
    PodName,

    /// <summary>The pod's address.</summary>
    PodAddress,
}

/// <summary>How a <see cref="PodWorld"/> is.</summary>
/// <param name="Hosts">Hosts for pods; there is one more, for clients.</param>
public sealed record PodWorldOptions(int Hosts)
{
    /// <summary>What Redis nodes are told to announce.</summary>
    public PodAnnounce Announce { get; init; }

    /// <summary>False: no pod reaches itself by the address of its own Service.</summary>
    public bool Hairpin { get; init; } = true;

    /// <summary>True: what is started again is another pod, at another address; false: only what becomes a new pod is one.</summary>
    public bool ReplaceAtStart { get; init; }

    /// <summary>From a change of pods to the moment that the hosts' proxies follow; kube-proxy's, measured: 0.1 to 0.2 s.</summary>
    public TimeSpan ProxyLag { get; init; } = TimeSpan.FromSeconds(0.2);

    /// <summary>From a change of pods to the moment that names follow; CoreDNS' own is short, what it caches lives up to 30 s.</summary>
    public TimeSpan NamesLag { get; init; } = TimeSpan.FromSeconds(1);
}
