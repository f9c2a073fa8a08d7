using System.Collections.Immutable;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Passwords;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Passwords;

public sealed class PasswordPolicyTests
{
    private static readonly ImmutableArray<PasswordUser> OnRedis =
        [PasswordUser.Default, PasswordUser.Replication, PasswordUser.Sentinel, PasswordUser.Sidecar];
    private static readonly ImmutableArray<PasswordUser> OnSentinel = [PasswordUser.Default, PasswordUser.Sentinel, PasswordUser.Sidecar];

    private static readonly ServerPasswords.Known Mine = Redis(0) with { IsMaster = true };

    // The window at its end: both accepted, the new one used everywhere; this sidecar is beside the master.
    private static readonly PasswordFacts Window = new()
    {
        Address = Me,
        HasPrevious = true,
        Own = Mine,
        Redis = [Mine, Redis(1), Redis(2)],
        Sentinels = [Sentinel(0), Sentinel(1), Sentinel(2)],
        RedisCount = 3,
        SentinelCount = 3,
        Quorum = NamesMe,
    };

    // After it: the files no longer hold the old one, the servers still accept it.
    internal static readonly PasswordFacts After = Window with
    {
        HasPrevious = false,
        Own = AllRetired(Mine),
        Redis = [.. Window.Redis.Select(s => (ServerPasswords)AllRetired((ServerPasswords.Known)s))],
        Sentinels = [.. Window.Sentinels.Select(s => (ServerPasswords)AllRetired((ServerPasswords.Known)s))],
    };

    [Fact]
    public void Both_accepted_and_the_new_one_used_everywhere_is_ready() => Assert.Equal("ready", Decide(Window));

    [Fact]
    public void One_password_everywhere_is_settled() => Assert.Equal("settled", Decide(Window with { HasPrevious = false }));

    [Fact]
    public void The_own_Redis_accepts_the_new_one_first_whatever_else_is_known()
    {
        var own = With(Mine, PasswordUser.Default, u => u with { Current = false });
        var decision = PasswordPolicy.Decide(Window with { Own = own, Redis = [Unknown], Sentinels = [], Quorum = NoMajority });
        Assert.Equal(PasswordUser.Default, Assert.Single(Assert.IsType<PasswordDecision.AcceptOnRedis>(decision).Users));
    }

    [Fact]
    public void Replication_waits_until_every_Redis_accepts_the_new_one()
    {
        var old = Window with { Own = Mine with { Sends = PasswordAge.Previous } };
        Assert.Equal(PasswordAge.Current, Assert.IsType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(old)).Password);
        Assert.IsNotType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(old with { Redis = [Mine, Redis(1), Unknown] }));
        Assert.IsNotType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(old with { Redis = [Mine, Redis(1)] }));
        Assert.IsNotType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(
            old with { Redis = [Mine, Redis(1), With(Redis(2), PasswordUser.Replication, u => u with { Current = false })] }));
    }

    [Fact]
    public void Three_addresses_of_two_processes_are_two()
    {
        Assert.Equal("redis-missing", Decide(Window with { Redis = [Mine, Redis(1), Redis(1)] }));
        Assert.Equal("sentinel-missing", Decide(Window with { Sentinels = [Sentinel(0), Sentinel(1), Sentinel(1)] }));
    }

    [Fact]
    public void A_replica_whose_link_is_down_takes_what_its_master_takes()
    {
        var replica = Redis(0) with { Master = Other };
        var master = Redis(1) with { Endpoint = Other, IsMaster = true };
        var behind = With(master, PasswordUser.Replication, u => u with { Current = false, Previous = true });
        var facts = Window with { Own = replica, Redis = [replica, behind, Unknown], Quorum = NamesOther };
        Assert.Equal(PasswordAge.Previous, Assert.IsType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(facts)).Password);
        Assert.IsNotType<PasswordDecision.ReplicateWith>(PasswordPolicy.Decide(facts with { Own = replica with { IsLinkUp = true } }));

        var ahead = With(master, PasswordUser.Replication, u => u with { Previous = false });
        facts = facts with { Own = replica with { Sends = PasswordAge.Previous }, Redis = [replica, ahead, Unknown] };
        Assert.Equal("link-needs-current", Decide(facts));
    }

    [Fact]
    public void Sentinels_are_told_by_the_masters_sidecar_alone_and_never_in_a_failover()
    {
        var behind =
            Window with { Sentinels = [Sentinel(0), With(Sentinel(1), PasswordUser.Sidecar, u => u with { Current = false }), Unknown] };
        Assert.Equal(Sentinel(1).Endpoint, Assert.IsType<PasswordDecision.AcceptOnSentinel>(PasswordPolicy.Decide(behind)).Sentinel);
        Assert.IsType<PasswordDecision.Refuse>(PasswordPolicy.Decide(behind with { Own = Mine with { IsMaster = false } }));
        Assert.IsType<PasswordDecision.Refuse>(PasswordPolicy.Decide(behind with { Quorum = NamesOther }));
        Assert.IsType<PasswordDecision.Refuse>(PasswordPolicy.Decide(behind with { Quorum = NamesMe with { IsFailingOver = true } }));
    }

    [Fact]
    public void A_Sentinel_logs_in_with_the_new_one_once_all_Redis_and_Sentinels_accept_it()
    {
        var old = Window with { Sentinels = [Sentinel(0), Sentinel(1) with { Sends = PasswordAge.Previous }, Sentinel(2)] };
        Assert.Equal(Sentinel(1).Endpoint, Assert.IsType<PasswordDecision.SentinelLogin>(PasswordPolicy.Decide(old)).Sentinel);
        Assert.Equal("redis-behind",
            Decide(old with { Redis = [Mine, Redis(1), With(Redis(2), PasswordUser.Sentinel, u => u with { Current = false })] }));
        Assert.Equal("sentinel-unknown", Decide(old with { Sentinels = old.Sentinels.SetItem(2, Unknown) }));
    }

    [Fact]
    public void A_password_that_these_files_never_held_is_left_alone()
    {
        // A sidecar whose Secret is late, beside the master, when the others' are new already.
        var late = Window with
        {
            HasPrevious = false,
            Sentinels = [.. Window.Sentinels.Select(s => (ServerPasswords)((ServerPasswords.Known)s with { Sends = PasswordAge.Other }))]
        };
        Assert.Equal("settled", Decide(late));
        Assert.Equal("settled", Decide(late with { Own = Mine with { Sends = PasswordAge.Other } }));
    }

    [Theory]
    [InlineData("redis-unknown")]
    [InlineData("redis-missing")]
    [InlineData("redis-behind")]
    [InlineData("masterauth-behind")]
    [InlineData("sentinel-unknown")]
    [InlineData("sentinel-missing")]
    [InlineData("sentinel-login-behind")]
    public void Nothing_is_dropped_and_nothing_is_ready_while_evidence_is_missing(string code)
    {
        foreach (var facts in (PasswordFacts[])[Window, After])
            Assert.Equal(code, Assert.IsType<PasswordDecision.Refuse>(PasswordPolicy.Decide(Spoil(facts, code))).Code);
    }

    [Fact]
    public void A_Sentinel_behind_keeps_the_old_password_of_replicas_too()
    {
        var replica = After with { Own = AllRetired(Redis(0)), Quorum = NamesOther };
        Assert.IsType<PasswordDecision.DropOnRedis>(PasswordPolicy.Decide(replica));
        var sentinel = With((ServerPasswords.Known)After.Sentinels[0], PasswordUser.Default, u => u with { Current = false });
        Assert.Equal("sentinel-behind", Decide(replica with { Sentinels = After.Sentinels.SetItem(0, sentinel) }));
    }

    [Fact]
    public void In_the_end_the_old_one_goes_from_the_own_Redis_then_from_the_Sentinels()
    {
        Assert.Equal(OnRedis.ToArray(), Assert.IsType<PasswordDecision.DropOnRedis>(PasswordPolicy.Decide(After)).Users.ToArray());
        var next = After with { Own = Mine };
        Assert.Equal(OnSentinel.ToArray(), Assert.IsType<PasswordDecision.DropOnSentinel>(PasswordPolicy.Decide(next)).Users.ToArray());
        Assert.Equal("settled", Decide(next with { Sentinels = Window.Sentinels }));
    }

    [Fact]
    public void Unreadable_files_stop_everything() =>
        Assert.Equal("files-unreadable", Decide(After with { FilesProblem = "REDIS_PASSWORD_FILE: gone" }));

    [Fact]
    public void Never_dropped_on_a_partial_view() => Prop.ForAll(Random.ToArbitrary(), facts =>
        PasswordPolicy.Decide(facts) is not (PasswordDecision.DropOnRedis or PasswordDecision.DropOnSentinel) || IsComplete(facts))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Never_dropped_while_the_files_hold_it() => Prop.ForAll(Random.ToArbitrary(), facts =>
        PasswordPolicy.Decide(facts with { HasPrevious = true }) is not (PasswordDecision.DropOnRedis or PasswordDecision.DropOnSentinel))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Ready_is_said_of_the_whole_group_alone() => Prop.ForAll(Random.ToArbitrary(), facts =>
        PasswordPolicy.Decide(facts) is not PasswordDecision.Keep { Code: "ready" } || IsComplete(facts)).QuickCheckThrowOnFailure();

    [Fact]
    public void Only_the_masters_sidecar_touches_a_Sentinel() => Prop.ForAll(Random.ToArbitrary(), facts =>
        PasswordPolicy.Decide(facts) is not (PasswordDecision.AcceptOnSentinel or PasswordDecision.SentinelLogin
            or PasswordDecision.DropOnSentinel)
        || (facts.Own is ServerPasswords.Known { IsMaster: true } && facts.Quorum.Named == Me && !facts.Quorum.IsFailingOver))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_complete_group_always_comes_to_rest() => Prop.ForAll(Gen.Elements(Window, After).ToArbitrary(), facts =>
    {
        for (var steps = 0; steps < 20; steps++)
        {
            switch (PasswordPolicy.Decide(facts))
            {
                case PasswordDecision.Keep: return true;
                case PasswordDecision.DropOnRedis: facts = facts with { Own = Mine }; break;
                case PasswordDecision.DropOnSentinel drop:
                    facts = facts with
                    {
                        Sentinels = [.. facts.Sentinels.Select(
                            s => s.Endpoint == drop.Sentinel ? Window.Sentinels.Single(w => w.Endpoint == s.Endpoint) : s)]
                    };
                    break;
                default: return false;
            }
        }

        return false;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_logged_snapshot_decides_the_same() => Prop.ForAll(Random.ToArbitrary(), facts =>
    {
        var json = JsonSerializer.Serialize(facts, PasswordJson.Default.PasswordFacts);
        var read = JsonSerializer.Deserialize(json, PasswordJson.Default.PasswordFacts)!;
        return PasswordPolicy.Decide(read) is var again && PasswordPolicy.Decide(facts) is var first
            && (again.Code, again.Reason) == (first.Code, first.Reason);
    }).QuickCheckThrowOnFailure();

    private static readonly ServerPasswords.Unknown Unknown = new(new RedisEndpoint("10.0.9.9", 1), "hangs");

    private static readonly Gen<bool> Mostly = Gen.Frequency((9, Gen.Constant(true)), (1, Gen.Constant(false)));

    private static readonly Gen<PasswordFacts> Random =
        from redis in Gen.ArrayOf(Servers(OnRedis, Redis), 3)
        from sentinels in Gen.ArrayOf(Servers(OnSentinel, Sentinel), 3)
        from own in Servers(OnRedis, Redis)
        from isMaster in Gen.Elements(true, false)
        from quorum in Quorums
        from hasPrevious in Gen.Elements(true, false)
        from files in Mostly
        select new PasswordFacts
        {
            Address = Me,
            HasPrevious = hasPrevious,
            FilesProblem = files ? null : "unreadable",
            RedisCount = 3,
            SentinelCount = 3,
            Quorum = quorum,
            Own = own is ServerPasswords.Known known ? known with { IsMaster = isMaster } : own,
            Redis = [.. redis],
            Sentinels = [.. sentinels],
        };

    private static Gen<ServerPasswords> Servers(ImmutableArray<PasswordUser> users, Func<int, ServerPasswords.Known> of) =>
        from known in Mostly
        from index in Gen.Choose(0, 2)
        from behind in Mostly
        from which in Gen.Choose(0, users.Length - 1)
        from retired in Gen.Elements(true, false)
        from sends in Gen.Frequency(
            (9, Gen.Constant(PasswordAge.Current)), (1, Gen.Elements(PasswordAge.Previous, PasswordAge.Retired, PasswordAge.Other)))
        select known
            ? (ServerPasswords)(of(index) with
            { Sends = sends, Users = [.. users.Select((u, i) => new AcceptedPasswords(u, behind || i != which, false, retired))] })
            : Unknown;

    private static bool IsComplete(PasswordFacts facts) =>
        facts.Redis.OfType<ServerPasswords.Known>().Select(s => s.RunId).Distinct().Count() == 3
        && facts.Sentinels.OfType<ServerPasswords.Known>().Select(s => s.RunId).Distinct().Count() == 3
        && facts.Redis.Concat(facts.Sentinels)
            .All(s => s is ServerPasswords.Known { Sends: PasswordAge.Current } known && known.Users.All(u => u.Current));

    private static PasswordFacts Spoil(PasswordFacts facts, string code) => code switch
    {
        "redis-unknown" => facts with { Redis = facts.Redis.SetItem(2, Unknown) },
        "redis-missing" => facts with { Redis = facts.Redis.RemoveAt(2) },
        "redis-behind" => facts with
        {
            Redis = facts.Redis.SetItem(
                1, With((ServerPasswords.Known)facts.Redis[1], PasswordUser.Default, u => u with { Current = false }))
        },
        "masterauth-behind" =>
            facts with { Redis = facts.Redis.SetItem(1, (ServerPasswords.Known)facts.Redis[1] with { Sends = PasswordAge.Previous }) },
        "sentinel-unknown" => facts with { Sentinels = facts.Sentinels.SetItem(2, Unknown) },
        "sentinel-missing" => facts with { Sentinels = facts.Sentinels.RemoveAt(2) },
        _ => facts with
        { Sentinels = facts.Sentinels.SetItem(1, (ServerPasswords.Known)facts.Sentinels[1] with { Sends = PasswordAge.Other }) },
    };

    private static string Decide(PasswordFacts facts) => PasswordPolicy.Decide(facts).Code;

    private static ServerPasswords.Known Redis(int index) => Server(index, 'a', 6379, OnRedis);

    private static ServerPasswords.Known Sentinel(int index) => Server(index, 'd', 26379, OnSentinel);

    private static ServerPasswords.Known Server(int index, char id, int port, ImmutableArray<PasswordUser> users) => new(
        new RedisEndpoint($"10.0.{port % 7}.{index + 1}", port), new string((char)(id + index), 40),
        [.. users.Select(u => new AcceptedPasswords(u, Current: true))], PasswordAge.Current);

    private static ServerPasswords.Known With(
        ServerPasswords.Known server, PasswordUser user, Func<AcceptedPasswords, AcceptedPasswords> change) =>
        server with { Users = [.. server.Users.Select(u => u.User == user ? change(u) : u)] };

    private static ServerPasswords.Known AllRetired(ServerPasswords.Known server) =>
        server with { Users = [.. server.Users.Select(u => u with { Retired = true })] };
}
