using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Configuration;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Configuration;

public sealed class RedisServerPlanTests
{
    private static readonly GroupSecret Password = new(Secret.Of("it's a \"secret\" #1"));

    internal static RedisServerSettings Settings { get; } = new()
    {
        Cluster = ClusterId.TryParse("shop/cart", out var id) ? id : throw new InvalidOperationException(),
        Port = 6379,
        Announce = new RedisEndpoint("10.0.0.1", 6379),
        DataDirectory = "/data",
        RunDirectory = "/run/sidecars",
    };

    private static ServerPlan Calculate(string baseFile, RedisServerSettings settings, string? aclFile = null) => RedisServerPlan.Calculate(
        RedisConfigDocument.Parse(Encoding.UTF8.GetBytes(baseFile)), aclFile is null ? null : Encoding.UTF8.GetBytes(aclFile), settings);

    private static string[] User(ServerPlan plan, string name) =>
        Assert.Single(plan.Document.All("user"), line => line.Text(0) == name) is var line
            ? [.. Enumerable.Range(1, line.Count - 1).Select(line.Text)]
            : [];

    [Fact]
    public void Without_a_base_file_everything_shipped_is_there()
    {
        var document = Calculate("", Settings).Document;
        foreach (var (name, value) in new[]
        {
            ("port", "6379"), ("dir", "/data"), ("daemonize", "no"), ("logfile", ""), ("replica-announce-ip", "10.0.0.1"), ("repl-timeout",
                "10"),
            ("repl-ping-replica-period", "2"), ("repl-diskless-sync-delay", "0"), ("repl-backlog-ttl", "0"), ("appendonly", "yes"), ("save",
                ""),
            ("aof-timestamp-enabled", "yes"), ("shutdown-on-sigterm", "nosave"), ("min-replicas-to-write", "1"), ("min-replicas-max-lag",
                "3"), ("masteruser", "repl-shop/cart"),
        })
            Assert.Equal(value, document.Get(name));
        Assert.False(document.Contains("replicaof"));
        Assert.False(document.Contains("tls-port"));
    }

    [Theory]
    [InlineData(false, 3, "1")]
    [InlineData(true, 3, "99")]
    [InlineData(false, 2, "0")]
    [InlineData(true, 2, "99")]
    public void Who_has_given_up_starts_with_the_fence_of_a_hand_over(bool hasGivenUp, int nodes, string value)
    {
        foreach (var follow in (RedisEndpoint?[])[null, new RedisEndpoint("10.0.0.2", 6379)])
        {
            var plan = Calculate(
                "min-replicas-to-write 7\n", Settings with { StartsFenced = hasGivenUp, RedisCount = nodes, Follow = follow });
            Assert.Equal(value, plan.Document.Get("min-replicas-to-write"));
            Assert.NotEqual("0", plan.Document.Get("min-replicas-max-lag"));
        }
    }

    [Fact]
    public void The_users_settings_survive_and_what_is_overruled_is_named()
    {
        var plan = Calculate("# a comment\nmaxmemory 1gb\nrepl-timeout 77\nsave 900 1\nport 1\nslaveof 10.9.9.9 1\nlatency-tracking "
            + "yes\nmin-slaves-to-write 0\n",
            Settings);
        foreach (var kept in new[] { "# a comment", "maxmemory 1gb", "repl-timeout 77", "save 900 1", "latency-tracking yes" })
            Assert.Contains(kept, plan.Document.Lines.Select(line => Encoding.UTF8.GetString(line.Raw.Span)));
        Assert.Equal(["min-replicas-to-write", "port", "replicaof"], plan.Overruled);
        Assert.Empty(plan.Problems);
        Assert.Single(plan.Document.All("save"));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("bind * -::*", null)]
    [InlineData("bind 0.0.0.0", null)]
    [InlineData("bind 10.0.0.1 127.0.0.1", null)]
    [InlineData("bind -10.0.0.1 -127.0.0.1", null)]
    [InlineData("bind ::", ":: -127.0.0.1")]
    [InlineData("bind 10.0.0.1", "10.0.0.1 -127.0.0.1")]
    [InlineData("bind 127.0.0.1\nbind -10.0.0.1 fd00::1", "-10.0.0.1 fd00::1 -127.0.0.1")]
    public void Sidecars_and_probes_reach_the_server_by_loopback_whatever_it_is_bound_to(string lines, string? completed)
    {
        var plan = Calculate(lines + "\n", Settings);
        Assert.Empty(plan.Problems);
        Assert.Equal(completed is null ? [] : ["bind"], plan.Overruled);
        if (completed is not null)
            Assert.Equal("bind " + completed, Encoding.UTF8.GetString(Assert.Single(plan.Document.All("bind")).Raw.Span));
    }

    [Theory]
    [InlineData("bind 127.0.0.1 -::1")]
    [InlineData("bind localhost")]
    public void Bound_to_loopback_alone_it_is_refused_but_on_a_group_of_one_machine(string line)
    {
        var problem = Assert.Single(Calculate(line + "\n", Settings).Problems);
        Assert.StartsWith(line + ":", problem, StringComparison.Ordinal);
        Assert.Empty(Calculate(line + "\n", Settings with { Announce = new RedisEndpoint("127.0.0.1", 6379) }).Problems);
    }

    [Fact]
    public void Any_line_of_the_user_that_is_not_ours_to_decide_survives_in_order() =>
        Prop.ForAll(Gen.Elements("maxmemory 1gb", "# note", "", "timeout 5", "save 1 1", "rename-command KEYS \"\"",
            "user ops on >\"a b\" +@all", "\tunknown-thing \"x y\"", "hz 10", "loadmodule /m.so").ListOf().ToArbitrary(),
            lines =>
            {
                var plan = Calculate(string.Join('\n', lines) + "\n", Settings with { Follow = new RedisEndpoint("10.0.0.2", 6379) });
                var written = plan.Document.Lines.Select(line => Encoding.UTF8.GetString(line.Raw.Span)).ToArray();
                var at = 0;
                foreach (var line in lines)
                {
                    at = Array.IndexOf(written, line, at) + 1;
                    Assert.True(at > 0, $"'{line}' is lost or moved");
                }
            }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    [InlineData(7, 3)]
    public void The_fence_follows_the_number_of_servers(int servers, int replicas) =>
        Assert.Equal(replicas, WriteRequirement.MinReplicasToWrite(servers));

    [Theory]
    [InlineData(30_000, 3)]
    [InlineData(5000, 3)]
    [InlineData(4000, 2)]
    [InlineData(1000, 1)]
    public void The_lag_stays_below_down_after_and_never_switches_the_fence_off(int downAfter, int lag) =>
        Assert.Equal(lag, WriteRequirement.MinReplicasMaxLag(downAfter));

    [Fact]
    public void Rdb_keeps_save_points_and_none_drops_them()
    {
        var rdb = Calculate("appendonly yes\n", Settings with { Durability = Durability.Rdb }).Document;
        Assert.Equal("no", rdb.Get("appendonly"));
        Assert.False(rdb.Contains("save"));
        Assert.Equal("save", rdb.Get("shutdown-on-sigterm"));
        var none = Calculate("save 900 1\n", Settings with { Durability = Durability.None }).Document;
        Assert.Equal("", Assert.Single(none.All("save")).Text(0));
    }

    [Fact]
    public void With_TLS_no_plain_port_is_open()
    {
        var document = Calculate("tls-port 1\nport 6379\n", Settings with { Tls = new TlsFiles("/ca", "/crt", "/key") }).Document;
        Assert.Equal(("0", "6379", "yes", "/key"),
            (document.Get("port"), document.Get("tls-port"), document.Get("tls-replication"), document.Get("tls-key-file")));
    }

    [Fact]
    public void Without_any_password_the_identity_is_still_sent()
    {
        var plan = Calculate("", Settings);
        Assert.Equal("repl-shop/cart", plan.Document.Get("masterauth"));
        Assert.Contains("nopass", User(plan, "repl-shop/cart"));
        Assert.False(plan.Document.Contains("requirepass"));
    }

    [Fact]
    public void While_passwords_rotate_a_server_starts_with_the_login_that_every_other_one_accepts()
    {
        var rotating = new GroupSecrets { Default = new GroupSecret(Secret.Of("new"), Secret.Of("old")) };
        Assert.Equal("old", Calculate("", Settings with { Secrets = rotating }).Document.Get("masterauth"));
    }

    [Fact]
    public void No_password_stands_in_a_user_line_and_a_service_user_without_one_takes_the_default_users()
    {
        var own = new GroupSecret(Secret.Of("own"), Secret.Of("before"));
        var plan = Calculate("requirepass old\n", Settings with { Secrets = new GroupSecrets { Default = Password, Sidecar = own } });
        Assert.Contains("#" + Password.Current.Sha256Hex, User(plan, "default"));
        Assert.Contains("#" + Password.Current.Sha256Hex, User(plan, "repl-shop/cart"));
        Assert.Equal(["on", "#" + own.Current.Sha256Hex, "#" + own.Previous!.Sha256Hex], User(plan, "sidecar-shop/cart").Take(3));
        Assert.Equal(Password.Current.Value, plan.Document.Get("masterauth"));
        Assert.Equal(["requirepass"], plan.Overruled);
        Assert.DoesNotContain(
            plan.Document.All("user"), line => Encoding.UTF8.GetString(line.Raw.Span).Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("requirepass x\n")]
    [InlineData("user default on >x ~* +@all\n")]
    [InlineData("user default off\n")]
    public void A_protected_default_user_beside_open_service_users_is_refused(string baseFile)
    {
        Assert.Contains("no password", Assert.Single(Calculate(baseFile, Settings).Problems), StringComparison.Ordinal);
        Assert.Empty(Calculate(baseFile,
            Settings with { Secrets = new GroupSecrets { Replication = Password, Sentinel = Password, Sidecar = Password } }).Problems);
    }

    [Fact]
    public void Users_of_an_acl_file_are_kept_beside_ours_and_the_default_user_keeps_its_rules()
    {
        var plan = Calculate("aclfile users.acl\nrequirepass base\n",
            Settings with { Secrets = new GroupSecrets { Default = Password } },
            "user ops on >x ~* +@all\nuser default on nopass ~app:* +@read\nuser repl-shop/cart off\n");
        Assert.Equal("/run/sidecars/users.acl", plan.Document.Get("aclfile"));
        Assert.False(plan.Document.Contains("user")); // Redis refuses both
        var lines = Encoding.UTF8.GetString(plan.AclFile!).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("user ops on >x ~* +@all", lines[0]);
        Assert.Equal($"user default on nopass ~app:* +@read #{Password.Current.Sha256Hex}", lines[1]);
        Assert.Equal(["user repl-shop/cart on", "user sentinel-shop/cart on", "user sidecar-shop/cart on"],
            lines[2..].Select(line => string.Join(' ', line.Split(' ')[..3])));
        Assert.Empty(plan.Problems);
    }

    [Fact]
    public void An_acl_file_does_not_open_a_server_that_requirepass_protects()
    {
        var settings = Settings with { Secrets = new GroupSecrets { Replication = Password, Sentinel = Password, Sidecar = Password } };
        var plan = Calculate("aclfile users.acl\nrequirepass base\n", settings, "user ops on >x ~* +@all\n");
        Assert.Contains($"user default on #{Secret.Of("base").Sha256Hex} ~* &* +@all", Encoding.UTF8.GetString(plan.AclFile!),
            StringComparison.Ordinal);
        Assert.Empty(plan.Problems);
    }

    [Theory]
    [InlineData("rename-command CONFIG \"\"\n", "CONFIG")]
    [InlineData("cluster-enabled yes\n", "cluster-enabled")]
    [InlineData("port 1\nrequirepass \"hidden\n", "line 2")]
    [InlineData("include /etc/x.conf\n", "/etc/x.conf")]
    [InlineData("aclfile /etc/users.acl\n", "/etc/users.acl")]
    public void What_would_disarm_or_stop_the_server_is_a_problem_that_names_it(string baseFile, string named)
    {
        var problem = Assert.Single(Calculate(baseFile, Settings).Problems);
        Assert.Contains(named, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Calculating_twice_changes_nothing()
    {
        var settings = Settings with { Follow = new RedisEndpoint("10.0.0.2", 6379), Secrets = new GroupSecrets { Default = Password } };
        var first = Calculate("save 900 1\nmaxmemory 5\n", settings);
        var second = RedisServerPlan.Calculate(RedisConfigDocument.Parse(first.Document.ToBytes()), null, settings);
        Assert.Empty(second.Problems);
        Assert.Equal(first.Document.Lines.Select(line => line.Key).Order(), second.Document.Lines.Select(line => line.Key).Order());
    }
}
