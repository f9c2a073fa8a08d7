using System.Net;
using System.Net.Sockets;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Processes;
using Xunit;

namespace Sidecars.Faults.Tests;

public sealed class NetworkHostsTests
{
    private const int Port = 7000;

    [NetworkFact]
    public async Task A_cut_is_one_way_spares_the_observer_and_ends()
    {
        using var network = NetworkHosts.Create(2);
        using var listener = Listen(network.Hosts[1]);
        Assert.True(await ReachesAsync(network.Hosts[0].Namespace, network.Hosts[1]));
        network.Cut(network.Hosts[0].Address, network.Hosts[1].Address);
        Assert.False(await ReachesAsync(network.Hosts[0].Namespace, network.Hosts[1]));
        Assert.True(await ReachesAsync(network.Switch, network.Hosts[1]));
        network.Cut(network.Hosts[0].Address, network.Hosts[1].Address);
        network.Heal(network.Hosts[0].Address, network.Hosts[1].Address);
        Assert.False(await ReachesAsync(network.Hosts[0].Namespace, network.Hosts[1])); // the second cut still lasts
        network.Heal(network.Hosts[0].Address, network.Hosts[1].Address);
        Assert.True(await ReachesAsync(network.Hosts[0].Namespace, network.Hosts[1]));
    }

    [NetworkFact]
    public async Task A_service_on_the_switch_can_be_cut_off_too()
    {
        using var network = NetworkHosts.Create(1);
        using var service = network.Switch.Bind(new IPEndPoint(NetworkHosts.Services, Port));
        service.Listen();
        Assert.True(await ReachesAsync(network.Hosts[0].Namespace, NetworkHosts.Services));
        network.Cut(network.Hosts[0].Address, NetworkHosts.Services);
        Assert.False(await ReachesAsync(network.Hosts[0].Namespace, NetworkHosts.Services));
        network.Heal(network.Hosts[0].Address, NetworkHosts.Services);
        network.Lose(network.Hosts[0], 1);
        Assert.False(await ReachesAsync(network.Hosts[0].Namespace, NetworkHosts.Services));
        network.Lose(network.Hosts[0], 0);
        Assert.True(await ReachesAsync(network.Hosts[0].Namespace, NetworkHosts.Services));
    }

    [NetworkFact]
    public void Nothing_is_left_behind_not_even_by_a_process_that_was_killed()
    {
        NetworkHost host;
        using (var network = NetworkHosts.Create(1)) host = network.Hosts[0];
        Assert.False(File.Exists(host.Namespace.Path));

        const string Dead = "sidecars-1-1-1-switch"; // process 1 did not start at tick 1
        Assert.Null(Command.Run("ip", "netns", "add", Dead));
        Assert.True(Owner.IsOfTheDead(Dead));
        Assert.False(Owner.IsOfTheDead(Owner.Name + "-1-switch"));
        NetworkHosts.Sweep();
        Assert.False(File.Exists("/run/netns/" + Dead));
    }

    private static Socket Listen(NetworkHost host)
    {
        var socket = host.Namespace.Bind(new IPEndPoint(host.Address, Port));
        socket.Listen();
        return socket;
    }

    private static Task<bool> ReachesAsync(NetworkNamespace from, NetworkHost host) => ReachesAsync(from, host.Address);

    private static async Task<bool> ReachesAsync(NetworkNamespace from, IPAddress address)
    {
        using var socket = from.OpenSocket();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, Port), limit.Token);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
    }
}
