using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Pods;
using Sidecars.TestKit.Processes;
using Xunit;

namespace Sidecars.Faults.Tests;

/// <summary>The world of pods does what was measured on a cluster; no server of ours runs in it here.</summary>
public sealed class PodWorldTests
{
    private const int Replacements = 12;
    private static readonly TimeSpan Lag = TimeSpan.FromMilliseconds(200);

    [NetworkFact]
    public async Task A_service_keeps_its_address_old_connections_their_pod_and_new_ones_get_the_new_pod()
    {
        await using var world = Create();
        await using var group = Group(world);
        await world.ShowNowAsync();
        var (node, client) = (group.Redis[0], world.Network.Hosts[1].Namespace);
        var service = EndPoint(node);
        using var listener = Listen(world.PodOf(node)!);
        using var connected = await ConnectAsync(client, service);
        using var accepted = await listener.AcceptAsync();
        await connected.SendAsync("old"u8.ToArray());
        Assert.Equal(3, await accepted.ReceiveAsync(new byte[16]));

        world.Replace(node);
        Assert.Equal(service, EndPoint(node));
        using var replaced = Listen(world.PodOf(node)!);
        await Eventually.UntilAsync(
            "the Service to lead to the new pod", async () => await TryAsync(client, service) == SocketError.Success);
        Assert.True(replaced.Poll(0, SelectMode.SelectRead));
        // It goes to the pod that is gone, and nobody says so: at the new one it would be reset.
        await connected.SendAsync("lost"u8.ToArray());
        Assert.Equal(SocketError.TimedOut, await ReceiveAsync(connected));
    }

    [NetworkFact]
    public async Task A_service_without_a_pod_refuses_and_a_proxy_that_hears_nothing_leads_to_where_the_pod_was()
    {
        await using var world = Create();
        await using var group = Group(world);
        await world.ShowNowAsync();
        var (node, client) = (group.Redis[0], world.Network.Hosts[^1].Namespace);
        world.Services.Freeze();
        world.Delete(node);
        Assert.Equal(SocketError.TimedOut, await TryAsync(client, EndPoint(node)));
        var stranger = world.CreateStranger(world.Network.Hosts[0], "stranger-0", IPAddress.Parse(node.Place.Own!.Host));
        using (Listen(stranger)) Assert.Equal(SocketError.Success, await TryAsync(client, EndPoint(node)));
        world.Services.Thaw();
        await Eventually.UntilAsync(
            "the Service to refuse", async () => await TryAsync(client, EndPoint(node)) == SocketError.ConnectionRefused);
    }

    [NetworkTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pod_reaches_itself_by_its_service_only_where_there_is_a_hairpin(bool hairpin)
    {
        await using var world = Create(hairpin);
        await using var group = Group(world);
        await world.ShowNowAsync();
        var pod = world.PodOf(group.Redis[0])!;
        using var listener = Listen(pod);
        Assert.Equal(hairpin ? SocketError.Success : SocketError.TimedOut, await TryAsync(pod.Namespace, EndPoint(group.Redis[0])));
        Assert.Equal(SocketError.Success, await TryAsync(world.PodOf(group.Redis[1])!.Namespace, EndPoint(group.Redis[0])));
        if (!hairpin) return;
        // As on a cluster, the server sees the host's address: no peer is known by where it connects from.
        using var first = await listener.AcceptAsync();
        Assert.Equal(pod.Host.Address, ((IPEndPoint)first.RemoteEndPoint!).Address);
    }

    [NetworkFact]
    public async Task A_pod_knows_its_own_name_by_its_hosts_file_and_all_others_by_the_names_of_services()
    {
        await using var world = Create();
        await using var group = Group(world);
        await world.ShowNowAsync();
        var (own, other) = (group.Redis[0], group.Redis[1]);
        Assert.Equal([own.Place.Own!.Host], Resolve(world.PodOf(own)!, "redis-0"));
        Assert.Equal([own.Endpoint.Host], Resolve(world.PodOf(own)!, "redis-0.tenant-a.svc"));
        Assert.Equal([other.Endpoint.Host], Resolve(world.PodOf(own)!, "redis-1"));
        Assert.Equal([.. group.Sentinels.Select(s => s.Endpoint.Host).Order()], Resolve(world.PodOf(own)!, "sentinel-nodes"));
        Assert.Equal([.. group.Redis.Select(r => r.Place.Own!.Host).Order()], Resolve(world.PodOf(own)!, "redis-nodes.tenant-a.svc"));
        Assert.Empty(Resolve(world.PodOf(own)!, "redis-7.tenant-a.svc"));

        world.Names.Freeze();
        var before = other.Place.Own!.Host;
        world.Replace(other);
        Assert.NotEqual(before, other.Place.Own!.Host);
        Assert.Equal([before], Resolve(world.PodOf(own)!, "redis-1.redis-nodes"));
        world.Names.Thaw();
        await Eventually.UntilAsync(
            "the name to follow", () => Resolve(world.PodOf(own)!, "redis-1.redis-nodes") is [var now] && now == other.Place.Own!.Host);
        world.Names.Weather = NamesWeather.Away;
        Assert.Empty(Resolve(world.PodOf(own)!, "redis-1", withinSeconds: 1));
        Assert.Equal([own.Place.Own!.Host], Resolve(world.PodOf(own)!, "redis-0", withinSeconds: 1)); // no server is asked
    }

    [NetworkFact]
    public async Task No_pod_gets_its_predecessors_address_and_some_get_anothers()
    {
        await using var world = Create();
        await using var group = Group(world);
        var former = group.Redis[0].Place.Own!.Host;
        var seen = new Dictionary<string, string> { [former] = "redis-0" };
        var reused = 0;
        for (var i = 0; i < Replacements; i++)
        {
            var node = i % 2 == 0 ? group.Sentinels[0] : group.Redis[0]; // of one host
            former = node.Place.Own!.Host;
            world.Replace(node);
            var now = node.Place.Own!.Host;
            Assert.NotEqual(former, now);
            if (seen.TryGetValue(now, out var whose) && whose != node.Name) reused++;
            seen[now] = node.Name;
        }

        Assert.True(reused > 0, "no address was ever another pod's");
    }

    [NetworkFact]
    public async Task An_address_of_another_hosts_range_is_reached_and_cut_off_with_the_host_that_it_is_on()
    {
        await using var world = Create();
        await using var group = Group(world);
        var (address, hosts) = (IPAddress.Parse(group.Redis[0].Place.Own!.Host), world.Network.Hosts);
        world.Delete(group.Redis[0]);
        world.Replace(group.Redis[1], address);
        var target = new IPEndPoint(address, group.Redis[1].Endpoint.Port);
        using var listener = Listen(world.PodOf(group.Redis[1])!);
        Assert.Equal(SocketError.Success, await TryAsync(hosts[^1].Namespace, target));
        Assert.Equal(SocketError.Success, await TryAsync(hosts[0].Namespace, target));
        Assert.Equal(SocketError.Success, await TryAsync(world.Network.Switch, target));
        world.Network.Cut(hosts[0].Address, hosts[^1].Address); // the range's host
        Assert.Equal(SocketError.Success, await TryAsync(hosts[^1].Namespace, target));
        world.Network.Cut(hosts[1].Address, hosts[^1].Address); // the pod's
        Assert.Equal(SocketError.TimedOut, await TryAsync(hosts[^1].Namespace, target));
        Assert.Equal(SocketError.Success, await TryAsync(world.Network.Switch, target));
    }

    [NetworkFact]
    public async Task Pods_leave_nothing_behind_and_files_of_a_process_that_was_killed_are_swept()
    {
        string name;
        await using (var world = Create())
        {
            await using var group = Group(world);
            name = world.PodOf(group.Redis[0])!.Namespace.Name;
            Assert.True(Directory.Exists("/etc/netns/" + name));
        }

        Assert.False(Directory.Exists("/etc/netns/" + name));
        Assert.False(File.Exists("/run/netns/" + name));
        const string Dead = "/etc/netns/sidecars-1-1-1-pod0"; // process 1 did not start at tick 1
        Directory.CreateDirectory(Dead);
        NetworkHosts.Sweep();
        Assert.False(Directory.Exists(Dead));
    }

    private static PodWorld Create(bool hairpin = true) =>
        PodWorld.Create(new PodWorldOptions(2) { Hairpin = hairpin, ProxyLag = Lag, NamesLag = Lag });

    // No server is started: any program will do.
    private static LocalGroup Group(PodWorld world) =>
        new(new LocalGroupOptions { RedisCount = 2, SentinelCount = 2, Pods = world, Bootstrap = "/bin/true" });

    private static IPEndPoint EndPoint(LocalNode node) => new(IPAddress.Parse(node.Endpoint.Host), node.Endpoint.Port);

    private static Socket Listen(Pod pod)
    {
        var socket = pod.Namespace.Bind(new IPEndPoint(IPAddress.Any, 6379));
        socket.Listen();
        return socket;
    }

    private static Task<SocketError> TryAsync(NetworkNamespace from, IPEndPoint to) =>
        OutcomeAsync(async () => (await ConnectAsync(from, to)).Dispose());

    private static Task<SocketError> ReceiveAsync(Socket socket) => OutcomeAsync(async () =>
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await socket.ReceiveAsync(new byte[16], limit.Token);
    });

    private static async Task<SocketError> OutcomeAsync(Func<Task> act)
    {
        try
        {
            await act();
            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
        catch (OperationCanceledException)
        {
            return SocketError.TimedOut;
        }
    }

    private static async Task<Socket> ConnectAsync(NetworkNamespace from, IPEndPoint to)
    {
        var socket = from.OpenSocket();
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await socket.ConnectAsync(to, limit.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string[] Resolve(Pod pod, string name, int withinSeconds = 10)
    {
        string[] command = [.. pod.Enter, "timeout", FormattableString.Invariant($"{withinSeconds}"), "getent", "ahostsv4", name];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]).Distinct().Order()];
    }
}
