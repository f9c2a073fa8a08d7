using System.Net.Sockets;
using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>Connections that have subscribed to a server that is no master any more: without an end they would wait for ever.</summary>
[Collection(GroupTests.Name)]
public sealed class SubscriberTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static string[] Subscriptions => ["SUBSCRIBE news", "PSUBSCRIBE n*", "SSUBSCRIBE {news}", "HELLO 3\r\nSUBSCRIBE news",
        "HELLO 3\r\nPSUBSCRIBE n*", "HELLO 3\r\nSSUBSCRIBE {news}"];

    [Fact]
    public async Task A_step_down_ends_every_subscription_at_the_old_master()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "subscribers" });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        var subscribers = await Task.WhenAll(Subscriptions.Select(words => SubscribeAsync(master.Endpoint, words)));
        rig.StartSidecars();
        var stepDown = await rig.StepDownAsync(master);
        Assert.True(await stepDown.WaitForExitAsync() == 0, stepDown.Tail(60));
        await AssertEndedAsync(subscribers);
        await rig.WaitWholeAsync(); // Sentinels have subscribed again
    }

    /// <summary>A connection that has subscribed: the server has answered.</summary>
    internal static async Task<TcpClient> SubscribeAsync(RedisEndpoint server, string words)
    {
        var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(words + "\r\n"));
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(Patience);
        while (!answer.ToString().Contains("subscribe", StringComparison.Ordinal))
        {
            var count = await client.GetStream().ReadAsync(buffer, limit.Token);
            Assert.NotEqual(0, count);
            answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return client;
    }

    /// <summary>The server closes each of them.</summary>
    internal static async Task AssertEndedAsync(IEnumerable<TcpClient> subscribers)
    {
        foreach (var subscriber in subscribers)
        {
            using (subscriber)
            {
                using var limit = new CancellationTokenSource(Patience);
                try
                {
                    while (await subscriber.GetStream().ReadAsync(new byte[4096], limit.Token) > 0)
                    {
                        // What was published meanwhile.
                    }
                }
                catch (IOException)
                {
                    // Reset: ended as well.
                }
            }
        }
    }
}
