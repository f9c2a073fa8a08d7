using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>What a starting Redis announces, and what it does while its name does not resolve.</summary>
public sealed class AnnounceTests
{
    [Fact]
    public async Task The_bare_pod_name_is_completed_to_its_Service_and_waited_for_with_the_setting_named()
    {
        await using var node = new LooseNode(("ANNOUNCE_HOST", "redis-0"), ("POD_NAMESPACE", "invalid"));
        var process = await node.StartAsync();
        await process.WaitForEventAsync("decision");
        var waiting = process.Events("decision")[0];
        Assert.Equal("announce-unresolved", waiting.GetProperty("code").GetString());
        Assert.Contains("ANNOUNCE_HOST (redis-0.invalid.svc)", waiting.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("redis-0.invalid.svc", waiting.GetProperty("waiting_for").GetString());
    }

    [Fact]
    public async Task A_name_that_stays_unresolved_is_answered_by_the_marker_of_the_last_start_with_the_same_setting()
    {
        await using var node = new LooseNode(("ANNOUNCE_HOST", "localhost"));
        await node.StartAsync();
        await node.WaitServingAsync();
        var store = new MarkerStore(node.DataFolder);
        var marker = store.Read().Value!;
        Assert.Equal(new AnnouncedAddress("localhost", node.Endpoint), marker.Announced);

        await node.Process.TerminateAsync();
        var elsewhere = new RedisEndpoint("127.0.0.9", node.Endpoint.Port);
        Assert.True(store.TryWrite(marker with { Announced = new AnnouncedAddress("redis-0.invalid", elsewhere) }, out _));
        node.Environment["ANNOUNCE_HOST"] = "redis-0.invalid";
        var again = await node.StartAsync();
        await node.WaitServingAsync();
        Assert.Equal("127.0.0.9", await node.ConfigAsync("replica-announce-ip"));
        Assert.Contains("redis-0.invalid", Assert.Single(again.Events("announce-remembered")).GetProperty("message").GetString(),
            StringComparison.Ordinal);
        Assert.Equal(new AnnouncedAddress("redis-0.invalid", elsewhere), store.Read().Value!.Announced);
    }
}
