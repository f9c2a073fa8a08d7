using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Tenant;

/// <summary>The record of the master, in a zone file: what a client that knows no Sentinel is led by.</summary>
internal sealed class PublishedRecord(string file, LocalGroup group)
{
    public const string Name = "redis.example.org";

    public string File => file;

    /// <summary>The Redis that the record names; null: none, or there is no record yet.</summary>
    public LocalNode? Node() => Address() is { } address ? group.Redis.FirstOrDefault(node => node.PodAddress == address) : null;

    /// <summary>Where that Redis is; a port tells the nodes of one machine apart, which in a cluster their addresses do.</summary>
    public RedisEndpoint? Endpoint() => Node() is { } node ? new RedisEndpoint(node.PodAddress, node.Endpoint.Port) : null;

    private string? Address()
    {
        try
        {
            return AddressIn(System.IO.File.ReadLines(file));
        }
        catch (IOException)
        {
            return null; // not written yet
        }
    }

    /// <summary>The address of the record in a zone, null where there is none.</summary>
    /// <param name="zone">Lines such as <c>redis.example.org. 5 IN A 127.0.1.1</c>.</param>
    internal static string? AddressIn(IEnumerable<string> zone) =>
        zone.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is [Name + ".", _, "IN", "A", _]).Select(words => words[4]).FirstOrDefault();
}
