using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.TestKit.Groups;

/// <summary>Passwords of a group, as files that every node is pointed to. Null: none is set.</summary>
public sealed record GroupPasswords
{
    /// <summary>Redis' default user: applications, and the kit itself.</summary>
    public string? Redis { get; init; }

    /// <summary>Replicas on their master; default: <see cref="Redis"/>.</summary>
    public string? Replication { get; init; }

    /// <summary>Sentinels on Redis and on each other.</summary>
    public string? SentinelAuth { get; init; }

    /// <summary>The sidecars.</summary>
    public string? Sidecar { get; init; }

    /// <summary>Sentinel's default user: Sentinel-aware clients, and the kit itself.</summary>
    public string? Sentinel { get; init; }

    /// <summary>Never a password.</summary>
    public override string ToString() => "(passwords)";
}

/// <summary>What a <see cref="LocalGroup"/> consists of.</summary>
public sealed record LocalGroupOptions
{
    /// <summary>Redis nodes.</summary>
    public int RedisCount { get; init; } = 3;

    /// <summary>Sentinels.</summary>
    public int SentinelCount { get; init; } = 3;

    /// <summary>CLUSTER_ID.</summary>
    public string ClusterId { get; init; } = "demo/redis";

    /// <summary>MASTER_NAME; null: not set, so that redis-bootstrap derives it.</summary>
    public string? MasterName { get; init; }

    /// <summary>The name that Sentinels monitor.</summary>
    public string EffectiveMasterName =>
        MasterName ?? (Core.Primitives.ClusterId.TryParse(ClusterId, out var id) ? id.MasterName : ClusterId);

    /// <summary>DURABILITY: aof, rdb or none.</summary>
    public string Durability { get; init; } = "aof";

    /// <summary>SENTINEL_DOWN_AFTER.</summary>
    public TimeSpan DownAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>SENTINEL_FAILOVER_TIMEOUT.</summary>
    public TimeSpan FailoverTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Passwords; default: none.</summary>
    public GroupPasswords Passwords { get; init; } = new();

    /// <summary>Passwords that a rotation brings: the kit itself tries them second.</summary>
    public GroupPasswords NextPasswords { get; init; } = new();

    /// <summary>Text of a base redis.conf; null: none is given.</summary>
    public string? RedisBaseConfig { get; init; }

    /// <summary>Text of a base sentinel.conf; null: none is given.</summary>
    public string? SentinelBaseConfig { get; init; }

    /// <summary>Further variables of every node; they override those of the group.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The API server whose pods the nodes are; null: they are processes of one machine, with elections by a file lock.</summary>
    public FakeKubernetesServer? Kubernetes { get; init; }

    /// <summary>The world in which the nodes are pods; with it <see cref="Place"/> is of no account. Null: none.</summary>
    public Pods.PodWorld? Pods { get; init; }

    /// <summary>Where the n-th node of a kind is; null: at free loopback ports.</summary>
    public Func<LocalNodeKind, int, NodePlace>? Place { get; init; }

    /// <summary>How the kit itself connects to a node; a group with TLS needs another one than the default.</summary>
    public Func<RedisEndpoint, IRespTransport> Transport { get; init; } = endpoint => new TcpTransport(endpoint);

    /// <summary>The executable to start; null: the published one.</summary>
    public string? Bootstrap { get; init; }

    /// <summary>True: nodes log to files and survive this process (a dispose of the group still ends them).</summary>
    public bool Detached { get; init; }

    /// <summary>Used in the name of the temporary folder.</summary>
    public string Name { get; init; } = "group";
}
