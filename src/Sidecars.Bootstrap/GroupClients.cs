using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Hosting;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap;

/// <summary>The clients of the group that a starting server needs.</summary>
internal sealed class GroupClients
{
    public GroupClients(BootstrapOptions options, TimeProvider time)
    {
        var connections = new GroupConnections(options.Group, time);
        (Sentinels, Observer) = (connections.Sentinels, connections.Observer);
        Leadership = connections.Leadership;
        SentinelIds = new SentinelIdClient(connections.Transport, connections.AsSidecar, connections.AsSentinel);
    }

    public SentinelClient Sentinels { get; }

    public SentinelLeadership Leadership { get; }

    public SentinelIdClient SentinelIds { get; }

    public GroupObserver Observer { get; }
}
