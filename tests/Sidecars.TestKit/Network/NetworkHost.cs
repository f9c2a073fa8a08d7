using System.Net;

namespace Sidecars.TestKit.Network;

/// <summary>One host: a network namespace with one interface on the switch, and a range of addresses for what runs on it.</summary>
/// <param name="Index">0-based.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Address">Its own address, the first of its range.</param>
public sealed record NetworkHost(int Index, NetworkNamespace Namespace, IPAddress Address)
{
    /// <summary>Its own address and those of its pods, as ip(8) writes it.</summary>
    public string Range => PodAddress(0) + "/24";

    /// <summary>The n-th address of its range.</summary>
    public IPAddress PodAddress(int number) => new([.. Address.GetAddressBytes()[..3], (byte)number]);

    /// <summary>True for an address of its range.</summary>
    public bool Holds(IPAddress address) => PodAddress(address.GetAddressBytes()[3]).Equals(address);
}
