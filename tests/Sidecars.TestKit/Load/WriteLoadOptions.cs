using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>Whom the writers ask, and how hard they write.</summary>
/// <param name="Sentinels">Asked in turn for the master.</param>
/// <param name="MasterName">Its name.</param>
public sealed record WriteLoadOptions(IReadOnlyList<RedisEndpoint> Sentinels, string MasterName)
{
    /// <summary>The client.</summary>
    public LoadClient Client { get; init; } = LoadClient.Direct;

    /// <summary>Reads the published record: the writers follow it and ask no Sentinel. Null: they follow Sentinel.</summary>
    public Func<RedisEndpoint?>? Published { get; init; }

    /// <summary>Closed-loop writers.</summary>
    public int Writers { get; init; } = 4;

    /// <summary>Writes that a writer sends at once before it reads the answers; 1: one after the other.</summary>
    public int Pipeline { get; init; } = 1;

    /// <summary>Writes a second of all writers together; 0: as fast as answers come.</summary>
    public int WritesPerSecond { get; init; }

    /// <summary>Password of Redis' default user, or null.</summary>
    public string? RedisPassword { get; init; }

    /// <summary>Password of Sentinel's default user, or null.</summary>
    public string? SentinelPassword { get; init; }

    /// <summary>What a rotation makes of <see cref="RedisPassword"/>: tried first.</summary>
    public string? NextRedisPassword { get; init; }

    /// <summary>What a rotation makes of <see cref="SentinelPassword"/>: tried first.</summary>
    public string? NextSentinelPassword { get; init; }

    /// <summary>Longest wait for an answer, after which a write counts as unknown; 1 s, as a careful application has it.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How a writer connects: another way than plain TCP puts it on another host.</summary>
    public Func<RedisEndpoint, IRespTransport> Transport { get; init; } = endpoint => new TcpTransport(endpoint);

    /// <summary>Begins every key, so that several loads can share a group.</summary>
    public string KeyPrefix { get; init; } = "";

    /// <summary>True: when each write was acknowledged is remembered (8 bytes each), so that a lost one can be dated.</summary>
    public bool KeepTimes { get; init; }

    /// <summary>Beside these writers, a few of <see cref="LoadClient.StackExchangeRedis"/>, with keys of their own.</summary>
    public WriteLoadOptions WithLibrary() =>
        this with { Client = LoadClient.StackExchangeRedis, KeyPrefix = KeyPrefix + "library:", Writers = 2, WritesPerSecond = 200 };

    internal bool IsPlainTcp => Transport(Sentinels[0]) is TcpTransport;

    internal RedisClientOptions Redis => Login(NextRedisPassword, RedisPassword, CommandTimeout);

    // A Sentinel that hangs must not keep a client from asking the next one.
    internal RedisClientOptions Sentinel => Login(NextSentinelPassword, SentinelPassword, TimeSpan.FromMilliseconds(500));

    private static RedisClientOptions Login(string? next, string? password, TimeSpan timeout) => new()
    {
        ConnectTimeout = TimeSpan.FromMilliseconds(500),
        CommandTimeout = timeout,
        Credentials = [.. ((string?[])[next, password]).OfType<string>().Select(one => new RedisCredential(null, one))],
    };
}
