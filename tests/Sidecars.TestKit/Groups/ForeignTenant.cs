using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Groups;

/// <summary>
/// Another tenant with a Redis of its own and data; it can come up at any address, as a pod does that is given an address which
/// belonged to somebody else. It has a password: with an open default user Sentinel takes any Redis for its master.
/// </summary>
/// <param name="password">Of its Redis.</param>
/// <param name="place">Where it is from the beginning; null: at a free loopback port.</param>
/// <param name="transport">How to reach it there; null: plain TCP.</param>
public sealed class ForeignTenant(string password, NodePlace? place = null, Func<RedisEndpoint, IRespTransport>? transport = null)
    : IAsyncDisposable
{
    private const int Keys = 100;
    private const int OtherSentinelPort = 26380; // never started: one Redis elects itself
    private static readonly Func<RedisEndpoint, IRespTransport> Plain = endpoint => new TcpTransport(endpoint);
    private readonly LocalGroup _group = new(new LocalGroupOptions
    {
        Name = "foreign",
        ClusterId = "other/redis",
        RedisCount = 1,
        SentinelCount = 1,
        Passwords = new GroupPasswords { Redis = password, Sentinel = password },
        Place = place is null ? null : (kind, _) =>
            kind == LocalNodeKind.Redis ? place : place with { Endpoint = new RedisEndpoint(place.Endpoint.Host, OtherSentinelPort) },
        Transport = transport ?? Plain
    });
    private readonly Func<RedisEndpoint, IRespTransport> _transport = transport ?? Plain;

    private LocalNode Node => _group.Redis[0];

    /// <summary>Starts it at its own address, writes its data, and ends it again.</summary>
    public async Task PrepareAsync()
    {
        await Node.StartAsync();
        await _group.WaitForAsync("the other tenant's master", s => s.Master is not null);
        await using (var client = await _group.ConnectAsync(Node, TimeSpan.FromSeconds(5)))
            for (var i = 0; i < Keys; i++) await client.CallAsync(default, "SET", $"foreign:{i}", "x");
        await Node.TerminateAsync();
    }

    /// <summary>Comes up as master at an address that is free now; returns once it answers there.</summary>
    public async Task ComeUpAtAsync(RedisEndpoint address)
    {
        Node.Environment["REDIS_PORT"] = address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Node.Environment["REDIS_SERVER_SERVICE_HOST"] = address.ToString();
        await Node.StartAsync();
        await Processes.Eventually.UntilAsync("the other tenant to answer at the address",
            async () => await KeysAtAsync(address) is not null, null, () => Node.Process!.Tail(20));
    }

    /// <summary>True where everything it had is there, and nothing else.</summary>
    public async Task<bool> IsUntouchedAtAsync(RedisEndpoint address) => await KeysAtAsync(address) == Keys;

    /// <summary>Ends it.</summary>
    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private async Task<long?> KeysAtAsync(RedisEndpoint address)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(
                _transport(address), new RedisClientOptions { Credentials = [new RedisCredential(null, password)] }, default);
            var reply = await client.CallAsync(default, "DBSIZE");
            return reply.IsError ? null : reply.Integer;
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }
}
