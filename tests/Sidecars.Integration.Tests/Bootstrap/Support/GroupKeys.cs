using System.Globalization;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>Acknowledged keys of a group, and whether a node still has them.</summary>
internal static class GroupKeys
{
    public const int Count = 300;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Writes <see cref="Count"/> keys to the master and waits until so many replicas have them.</summary>
    public static async Task WriteKeysAsync(this LocalGroup group, LocalNode master, int replicas)
    {
        await using var client = await group.ConnectAsync(master, Timeout);
        var replies = await client.PipelineAsync([.. Names().Select(name => RespCommand.Of("SET", name, name))], default);
        Assert.All(replies, reply => Assert.Equal("OK", reply.Text));
        var reached = await client.CallAsync(default, "WAIT", replicas.ToString(CultureInfo.InvariantCulture), "8000");
        Assert.True(reached.Integer >= replicas, $"{reached.Integer} of {replicas} replicas acknowledged");
    }

    /// <summary>How many of the keys a node has, with their values.</summary>
    public static async Task<int> KeysOfAsync(this LocalGroup group, LocalNode node)
    {
        await using var client = await group.ConnectAsync(node, Timeout);
        var names = Names().ToArray();
        var values = await client.CallAsync(default, ["MGET", .. names]);
        Assert.False(values.IsError, values.Text);
        return names.Where((name, i) => values.Items[i].Text == name).Count();
    }

    /// <summary>Every node has every key.</summary>
    public static async Task AssertAllKeysEverywhereAsync(this LocalGroup group)
    {
        foreach (var node in group.Redis) Assert.Equal(Count, await group.KeysOfAsync(node));
    }

    private static IEnumerable<string> Names() =>
        Enumerable.Range(0, Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"key:{i}"));
}
