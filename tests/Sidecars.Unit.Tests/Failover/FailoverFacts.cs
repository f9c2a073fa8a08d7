using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Watch;

namespace Sidecars.Unit.Tests.Failover;

/// <summary>Facts of the sidecar's policies: a healthy group of three, to be changed by one thing at a time; and random ones.</summary>
internal static class FailoverFacts
{
    public static readonly RedisEndpoint Me = new("10.0.0.1", 6379);
    public static readonly RedisEndpoint Other = new("10.0.0.2", 6379);
    public static readonly RedisEndpoint Executor = new("10.0.1.1", 26379);
    public static readonly string RunId = new('a', 40);
    public static readonly string OtherRunId = new('b', 40);

    public static readonly OwnServer.Answers Master =
        new() { RunId = RunId, IsMaster = true, FreshReplicas = 2, MinReplicas = 1, MaxLag = 3 };
    public static readonly OwnServer.Answers Replica =
        Master with { IsMaster = false, MasterAddress = Other, IsLinkUp = true, FreshReplicas = 0 };

    public static readonly QuorumFacts NamesMe = new()
    {
        HasMajority = true,
        IsComplete = true,
        Named = Me,
        Epoch = 3,
        RunIds = [RunId],
        Promotable = [Other],
        Executor = Executor,
        Reason = "names me"
    };
    public static readonly QuorumFacts NamesOther =
        NamesMe with { Named = Other, Epoch = 4, RunIds = [OtherRunId], Reason = "names another" };
    public static readonly QuorumFacts NoMajority = new() { HasMajority = false, Reason = "no majority" };

    public static readonly FenceFacts Healthy = new()
    {
        Server = Master,
        Address = Me,
        Quorum = NamesMe,
        RedisCount = 3,
        ConfiguredMinReplicas = 1,
        Patience = TimeSpan.FromSeconds(4),
        ConfirmedEpoch = 3,
    };

    private static readonly Gen<TimeSpan> Seconds = Gen.Choose(0, 60).Select(s => TimeSpan.FromSeconds(s));
    private static readonly Gen<bool> Coin = Gen.Elements(true, false);

    public static readonly Gen<OwnServer> Servers = Gen.OneOf(
        (from master in Coin
         from value in Gen.Elements<long?>(null, 0, 1, WriteFence.StepDown, 9999, WriteFence.MinReplicas)
         from fresh in Gen.Choose(0, 2)
         from lag in Gen.Elements<long?>(0, 3)
         select (OwnServer)(Master with { IsMaster = master, MinReplicas = value, FreshReplicas = fresh, MaxLag = lag })),
        Gen.Constant((OwnServer)new OwnServer.Silent("hangs")),
        Coin.Select(was => (OwnServer)new OwnServer.Dead(RunId, was)));

    public static readonly Gen<QuorumFacts> Quorums =
        from basis in Gen.Elements(NamesMe, NamesOther, NoMajority, NamesMe with { Named = null, Executor = null, Promotable = [] })
        from epoch in Gen.Choose(0, 6)
        from runIds in Gen.Elements(ImmutableArray<string>.Empty, [RunId], [OtherRunId], [RunId, OtherRunId])
        from busy in Coin
        from promotable in Coin
        from complete in Coin
        select basis with
        {
            IsComplete = basis.HasMajority && complete,
            Epoch = epoch,
            RunIds = runIds,
            IsFailingOver = busy,
            Promotable = promotable ? basis.Promotable : []
        };

    public static readonly Gen<FenceFacts> Fences =
        from server in Servers
        from quorum in Quorums
        from contradicted in Seconds
        from isolated in Seconds
        from impostor in Gen.Frequency((4, Gen.Constant(TimeSpan.Zero)), (1, Seconds))
        from follows in Coin
        from confirmed in Gen.Elements<long?>(null, 2, 3, 4)
        from superseded in Gen.Frequency((4, Gen.Constant<string?>(null)), (1, Gen.Constant<string?>("a higher token")))
        from unchanged in Seconds
        from replacement in Gen.Frequency(
            (4, Gen.Constant<Replacement?>(null)), (1, Gen.Constant<Replacement?>(new Replacement(Executor, "wait_promotion"))))
        from doubt in Gen.Frequency((4, Gen.Constant<string?>(null)), (1, Gen.Constant<string?>("o_down")))
        from confirming in Seconds
        from was in Coin
        select Healthy with
        {
            Server = server,
            Quorum = quorum,
            ContradictedFor = contradicted,
            IsolatedFor = isolated,
            ImpostorFor = impostor,
            NamedFollowsMe = follows && quorum.Named == Other,
            ConfirmedEpoch = confirmed,
            Superseded = superseded,
            ValueUnchangedFor = unchanged,
            Replacement = replacement,
            Doubt = doubt,
            ConfirmedFor = confirming,
            WasMaster = was && server is OwnServer.Silent,
        };
}
