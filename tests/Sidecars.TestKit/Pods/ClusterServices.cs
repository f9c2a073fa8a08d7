using System.Collections.Immutable;
using System.Net;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.Pods;

/// <summary>
/// Services with one pod each: an address that outlives the pods, and what every host's proxy makes of it, a lag after the pod has
/// changed. Connections that are established stay with their pod.
/// </summary>
public sealed class ClusterServices : IAsyncDisposable
{
    private const int FirstAddress = 10;
    private readonly LaggingView<ImmutableSortedDictionary<string, ServiceRule>> _services;

    internal ClusterServices(NetworkHosts network, TimeSpan lag) =>
        _services = new(ImmutableSortedDictionary<string, ServiceRule>.Empty, lag, services => network.Serve([.. services.Values]));

    /// <summary>Until <see cref="Thaw"/> addresses lead where they lead now: a proxy that hears nothing from the API server.</summary>
    public void Freeze() => _services.Freeze();

    /// <summary>Ends one <see cref="Freeze"/>.</summary>
    public void Thaw() => _services.Thaw();

    /// <summary>A Service from now on, without a pod.</summary>
    /// <returns>Its address.</returns>
    internal IPEndPoint Add(string name, int port, bool hairpin)
    {
        IPEndPoint? address = null;
        _services.Change(services =>
        {
            address = new IPEndPoint(new IPAddress([10, 96, 0, (byte)(FirstAddress + services.Count)]), port);
            return services.Add(name, new ServiceRule(address, null, hairpin));
        });
        return address!;
    }

    /// <summary>The pod behind it from now on; null: none.</summary>
    internal void Lead(string name, IPAddress? pod) => _services.Change(services => services[name] is var service
        ? services.SetItem(name, service with { Pod = pod is null ? null : new IPEndPoint(pod, service.Address.Port) })
        : services);

    /// <summary>The pod behind an address as it is, whatever proxies think; null: there is none, or the address is no Service's.</summary>
    internal IPEndPoint? PodBehind(IPEndPoint address) =>
        _services.Value.Values.FirstOrDefault(service => service.Address.Equals(address))?.Pod;

    internal Task ShowNowAsync() => _services.ShowNowAsync();

    /// <summary>Ends it.</summary>
    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
