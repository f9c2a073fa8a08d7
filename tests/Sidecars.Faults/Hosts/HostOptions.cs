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

    /// <summary>Sentinel's.</summary>
    public TimeSpan FailoverTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
