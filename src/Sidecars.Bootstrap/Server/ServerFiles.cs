using Sidecars.Bootstrap.Configuration;
using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Server;

/// <summary>Reads the base configuration and writes the one that the server starts with.</summary>
/// <param name="options">The settings, and where the files are.</param>
internal sealed class ServerFiles(BootstrapOptions options)
{
    private const int MaxAclFileBytes = 1 << 20; // a thousand users and more

    /// <summary>The file that the server is started with, and that it may rewrite.</summary>
    public string Path =>
        System.IO.Path.Combine(options.Group.ConfigDirectory, options.Mode == ServerMode.Redis ? "redis.conf" : "sentinel.conf");

    /// <summary>The configuration of this Redis; its problems are mistakes of the base file.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    public ServerPlan PlanRedis(RedisEndpoint announce, RedisEndpoint? follow)
    {
        var baseFile = LoadBase();
        byte[]? acl = baseFile.AclFile is { } path ? BoundedFile.Read(Absolute(baseFile, path), MaxAclFileBytes) : null;
        return RedisServerPlan.Calculate(baseFile, acl, new RedisServerSettings
        {
            Cluster = options.Group.Cluster,
            Port = options.Port,
            Announce = announce,
            Follow = follow,
            Durability = options.Group.Durability,
            DataDirectory = options.Group.DataDirectory,
            RunDirectory = options.Group.ConfigDirectory,
            RedisCount = options.Group.RedisCount,
            DownAfterMilliseconds = (int)options.Group.DownAfter.TotalMilliseconds,
            Secrets = options.Group.RedisSecrets,
            Tls = options.Group.Tls,
            StartsFenced = GivingUp.Read(options.Group.DataDirectory).State != FactState.Absent,
        });
    }

    /// <summary>Plans the configuration of this Sentinel.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    public ServerPlan PlanSentinel(RedisEndpoint announce, MonitorDecision.Monitor monitor, SentinelMemory memory, int? slot) =>
        SentinelServerPlan.Calculate(LoadBase(), new SentinelServerSettings
        {
            Cluster = options.Group.Cluster,
            MasterName = options.Group.MasterName,
            Port = options.Port,
            Announce = announce,
            Master = monitor.Master,
            Quorum = Core.Sentinel.SentinelQuorumPolicy.Majority(options.Group.SentinelCount),
            RunDirectory = options.Group.ConfigDirectory,
            DownAfterMilliseconds = (int)options.Group.DownAfter.TotalMilliseconds,
            FailoverTimeoutMilliseconds = (int)options.Group.FailoverTimeout.TotalMilliseconds,
            MyId = slot is { } number ? SlotTable.MyId(options.Group.Cluster, number) : memory.MyId,
            ConfigEpoch = monitor.Epoch,
            CurrentEpoch = Math.Max(monitor.Epoch, memory.CurrentEpoch > 0 ? memory.CurrentEpoch : monitor.HighestVote),
            KnownReplicas = monitor.Replicas,
            Secrets = options.Group.SentinelSecrets,
            Tls = options.Group.Tls,
        });

    /// <summary>Names of the data files, as the base configuration sets them.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    public DataLayout Layout()
    {
        var baseFile = LoadBase();
        var names = DataLayout.Default;
        return new DataLayout(
            baseFile.Get("appenddirname") ?? names.AppendDirectory, baseFile.Get("appendfilename") ?? names.AppendFile,
            baseFile.Get("dbfilename") ?? names.RdbFile);
    }

    /// <summary>What an earlier Sentinel of this container left behind; nothing where there was none.</summary>
    public SentinelMemory Remember()
    {
        try
        {
            return File.Exists(Path) ? SentinelMemory.Read(ConfigLoader.Load(Path), options.Group.MasterName) : SentinelMemory.None;
        }
        catch (IOException)
        {
            return SentinelMemory.None; // a memory that can't be read is none: peers and roles decide
        }
    }

    /// <summary>
    /// Writes configuration and users, readable by their owner only: they hold passwords. The sidecar beside a Redis learns which, and
    /// takes them away again when the Secret has lost them.
    /// </summary>
    /// <exception cref="IOException">They can't be written.</exception>
    public void Write(ServerPlan plan)
    {
        if (options.Mode == ServerMode.Redis)
            new RetiredPasswords(System.IO.Path.Combine(options.Group.ConfigDirectory, RetiredPasswords.FileName)).Add(Held(options.Group));
        if (plan.AclFile is { } users)
            AtomicFile.Write(
                System.IO.Path.Combine(options.Group.ConfigDirectory, "users.acl"), users, AtomicFile.OwnerOnly, durable: false);
        AtomicFile.Write(Path, plan.Document.ToBytes(), AtomicFile.OwnerOnly, durable: false);
    }

    private static IEnumerable<GroupSecret> Held(GroupSettings group)
    {
        var onRedis = group.RedisSecrets;
        return new[] { onRedis.Default, onRedis.Replication, onRedis.Sentinel, onRedis.Sidecar, group.SentinelSecrets.Default }
            .OfType<GroupSecret>();
    }

    // Redis changes to its "dir" before it opens the file.
    private static string Absolute(RedisConfigDocument baseFile, string path) => System.IO.Path.Combine(baseFile.Get("dir") ?? "", path);

    private RedisConfigDocument LoadBase() => options.BaseConfig is { } path ? ConfigLoader.Load(path) : RedisConfigDocument.Parse([]);
}
