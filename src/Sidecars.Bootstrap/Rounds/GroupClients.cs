using Sidecars.Bootstrap.Options;
using Sidecars.Core.Group;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Rounds;

/// <summary>The clients of the group that a starting server needs.</summary>
internal sealed class GroupClients
{
    public GroupClients(BootstrapOptions options, TimeProvider time)
    {
        var connections = new GroupConnections(options.Group, time);
        (Sentinels, Observer) = (connections.Sentinels, connections.Observer);
        Leadership = connections.Leadership;
        Connections = connections;
    }

    public SentinelClient Sentinels { get; }

    public SentinelLeadership Leadership { get; }

    public SuccessionRunner Succession => Connections.Succession;

    public GroupConnections Connections { get; }

    public GroupObserver Observer { get; }
}
