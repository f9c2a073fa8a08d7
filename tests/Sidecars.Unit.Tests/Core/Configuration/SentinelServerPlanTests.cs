using System.Text;
using Sidecars.Bootstrap.Configuration;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Configuration;

public sealed class SentinelServerPlanTests
{
    private static readonly string Id = new('a', 40);

    private static readonly SentinelServerSettings Settings = new()
    {
        Cluster = RedisServerPlanTests.Settings.Cluster,
        Port = 26379,
        Announce = new RedisEndpoint("10.0.1.1", 26379),
        Master = new RedisEndpoint("10.0.0.1", 6379),
        Quorum = 2,
        RunDirectory = "/run/sidecars",
    };

    private static ServerPlan Calculate(string baseFile, SentinelServerSettings settings) =>
        SentinelServerPlan.Calculate(RedisConfigDocument.Parse(Encoding.UTF8.GetBytes(baseFile)), settings);

    private static string[] Lines(ServerPlan plan) => [.. plan.Document.Lines.Select(line => Encoding.UTF8.GetString(line.Raw.Span))];

    [Fact]
    public void While_passwords_rotate_it_starts_with_the_login_that_every_server_accepts()
    {
        var lines = Lines(Calculate("", Settings with
        {
            Secrets = new GroupSecrets { Default = new GroupSecret(Secret.Of("new"), Secret.Of("old")) },
        }));
        Assert.Contains("sentinel auth-pass shop.cart old", lines);
        Assert.Contains("sentinel sentinel-pass old", lines);
    }

    [Fact]
    public void Without_a_base_file_everything_is_there()
    {
        var lines = Lines(Calculate("", Settings with
        {
            MyId = Id,
            ConfigEpoch = 7,
            CurrentEpoch = 9,
            KnownReplicas = [new("10.0.0.1", 6379), new("10.0.0.2", 6379)],
            KnownSentinels = [new(new("10.0.1.2", 26379), new string('b', 40)), new(new("10.0.1.9", 26379), Id),
                new(Settings.Announce, new string('c', 40))],
        }));
        Assert.Contains("sentinel monitor shop.cart 10.0.0.1 6379 2", lines);
        Assert.Contains("sentinel myid " + Id, lines);
        Assert.Contains("sentinel down-after-milliseconds shop.cart 5000", lines);
        Assert.Contains("sentinel failover-timeout shop.cart 15000", lines);
        Assert.Contains("sentinel auth-user shop.cart sentinel-shop/cart", lines);
        Assert.Contains("sentinel auth-pass shop.cart sentinel-shop/cart", lines);
        Assert.Contains("sentinel resolve-hostnames no", lines);
        Assert.Contains("sentinel deny-scripts-reconfig yes", lines);
        Assert.Contains("sentinel config-epoch shop.cart 7", lines);
        Assert.Contains("sentinel leader-epoch shop.cart 10", lines);
        Assert.Contains("sentinel current-epoch 10", lines);
        // the master is none
        Assert.Equal(["sentinel known-replica shop.cart 10.0.0.2 6379"],
            lines.Where(line => line.Contains("known-replica", StringComparison.Ordinal)));
        // nor is it its own peer, by its id or at its address
        Assert.Equal(["sentinel known-sentinel shop.cart 10.0.1.2 26379 " + new string('b', 40)],
            lines.Where(line => line.Contains("known-sentinel", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("", "user default on nopass ~* &* +@all -publish")]
    [InlineData("requirepass secret\n", null)] // a line would open it: Redis' own password stands
    [InlineData("user default on >secret ~* &* +@all\n", "user default on >secret ~* &* +@all -publish")]
    [InlineData("user app on >secret +@all &*\nuser default off\n", "user app on >secret +@all &* -publish")]
    public void Clients_of_a_Sentinel_get_no_publish_by_which_it_could_be_told_of_any_master(string baseFile, string? line)
    {
        var users = Lines(Calculate(baseFile, Settings)).Where(l => l.StartsWith("user ", StringComparison.Ordinal)).ToList();
        if (line is null) Assert.DoesNotContain(users, l => l.StartsWith("user default", StringComparison.Ordinal));
        else Assert.Contains(line, users);
        Assert.All(users.Where(l => !l.Contains("shop/cart", StringComparison.Ordinal)),
            l => Assert.EndsWith(" -publish", l, StringComparison.Ordinal));
        Assert.Contains(users,
            l => l.StartsWith("user sidecar-shop/cart", StringComparison.Ordinal) && l.Contains("+publish", StringComparison.Ordinal));
    }

    [Fact]
    public void What_Sentinel_wrote_before_is_kept_unless_it_is_known_better()
    {
        var written = $"sentinel myid {Id}\nsentinel monitor shop.cart 10.9.9.9 6379 2\nsentinel config-epoch shop.cart 3\nsentinel "
            + "current-epoch 3\nsentinel known-replica shop.cart 10.0.0.3 6379\nsentinel parallel-syncs shop.cart 2\nloglevel debug\n";
        var plan = Calculate(written, Settings with { CurrentEpoch = 5 });
        var lines = Lines(plan);
        foreach (var kept in new[]
        {
            $"sentinel myid {Id}", "sentinel config-epoch shop.cart 3", "sentinel known-replica shop.cart 10.0.0.3 6379",
            "sentinel parallel-syncs shop.cart 2", "loglevel debug"
        })
            Assert.Contains(kept, lines);
        Assert.Contains("sentinel current-epoch 6", lines);
        Assert.Single(lines, line => line.StartsWith("sentinel monitor", StringComparison.Ordinal));
        Assert.Empty(plan.Problems);
    }

    [Fact]
    public void A_password_that_Sentinel_wrote_back_unquoted_does_not_stop_the_next_start()
    {
        var settings = Settings with
        {
            Secrets = new GroupSecrets
            {
                Sentinel = new GroupSecret(Secret.Of("it's a \"b")),
                Sidecar = new GroupSecret(Secret.Of("x")),
                Replication = new GroupSecret(Secret.Of("x"))
            }
        };
        var plan = Calculate("sentinel auth-pass shop.cart it's a \"b\nsentinel sentinel-pass it's a \"b\n", settings);
        Assert.Empty(plan.Problems);
        Assert.Empty(plan.Document.MalformedLines);
        Assert.Equal("it's a \"b", Assert.Single(plan.Document.Lines, line => line.Key == "sentinel auth-pass shop.cart").Text(2));
    }

    [Fact]
    public void Mistakes_are_problems_that_name_them()
    {
        var problems = Calculate("sentinel monitor mymaster 127.0.0.1 6379 2\naclfile /x\n",
            Settings with { MyId = "short", Master = new RedisEndpoint("redis-0.redis", 6379) }).Problems;
        Assert.Contains(problems, problem => problem.Contains("mymaster", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("aclfile", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("myid", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("redis-0.redis", StringComparison.Ordinal));
    }
}
