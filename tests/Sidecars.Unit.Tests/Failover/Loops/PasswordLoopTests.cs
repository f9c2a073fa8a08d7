using System.Text;
using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Passwords;
using Sidecars.Telemetry;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Backup;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The rotation of one password in a group of one Redis and one Sentinel.</summary>
[Collection(QuietDays.Name)]
public sealed class PasswordLoopTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly RedisEndpoint AtSentinel = new("10.0.1.1", 26379);
    private static readonly Secret First = Password("first");
    private static readonly Secret Second = Password("second");

    private readonly LoopRig _rig = new();
    private readonly Server _redis = new(
        MemoryGroup.Me, 'a', "default", Samples.Cluster.ReplicationUser, Samples.Cluster.SentinelUser, Samples.Cluster.SidecarUser);
    private readonly Server _sentinel = new(AtSentinel, 'b', "default", Samples.Cluster.SentinelUser, Samples.Cluster.SidecarUser);
    private PasswordReading _files = Reading(new GroupSecret(First));
    private Exception? _unreadable;
    private int _reads;
    private int _uses;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    [QuietDayOf(typeof(PasswordLoop))]
    public async Task After_a_quiet_day_a_new_password_is_everywhere_within_seconds_and_the_old_one_gone_once_it_left_the_files()
    {
        Start();
        await OnThreadAsync(() =>
        {
            _rig.PassDay(output);
            Assert.Equal("settled", _rig.Sink["passwords"]);
            // Twice at each look at the files, which is every 2 s; each server about every 30 s, the own one twice.
            Assert.Equal((1, true), (_uses, _reads >= 86_400));
            Assert.InRange(_sentinel.Memory.Connects, 2_500, 2_900);
            Assert.InRange(_redis.Memory.Connects, 5_000, 5_800);

            _files = Reading(new GroupSecret(Second, First));
            _rig.Run(TimeSpan.FromSeconds(20));
            Assert.Equal(("ready", 2), (_rig.Sink["passwords"], _uses));
            Assert.All([_redis, _sentinel],
                server => Assert.Equal((Second.Value, true), (server.Sends, server.Users.Values.All(u => u.Contains(Second.Sha256Hex)))));

            _files = Reading(new GroupSecret(Second));
            _rig.Run(TimeSpan.FromSeconds(20));
            Assert.Equal("settled", _rig.Sink["passwords"]);
            Assert.All([_redis, _sentinel], server => Assert.All(server.Users.Values, u => Assert.Equal([Second.Sha256Hex], u)));
        });
    }

    /// <summary>The Redis beside it was started while the Secret still held both: the sidecar's own files never had the old one.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_password_that_only_bootstrap_has_seen_is_taken_away_too(bool before)
    {
        using var folder = new TempFolder("passwords");
        var path = folder.File(RetiredPasswords.FileName);
        _files = Reading(new GroupSecret(Second));
        if (before) new RetiredPasswords(path).Add([new GroupSecret(Second, First)]);
        Start(new RetiredPasswords(path), Second);
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromMinutes(1));
            if (!before) new RetiredPasswords(path).Add([new GroupSecret(Second, First)]);
            _rig.Run(TimeSpan.FromMinutes(1));
            Assert.Equal("settled", _rig.Sink["passwords"]);
            Assert.All([_redis, _sentinel], server => Assert.All(server.Users.Values, u => Assert.Equal([Second.Sha256Hex], u)));
        });
    }

    [Fact]
    public async Task A_group_without_passwords_asks_nobody()
    {
        _files = Reading(null);
        Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(1));
            Assert.Equal((0, 0), (_redis.Memory.Connects, _sentinel.Memory.Connects));
        });
    }

    [Theory]
    [InlineData("refused", 620)]
    [InlineData("full", 620)]
    [InlineData("files", 620)]
    [InlineData("throws", 20)]
    public async Task What_is_away_is_asked_at_the_usual_pace_and_the_rotation_goes_on_when_it_is_back(string how, int most)
    {
        Start();
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromMinutes(1));
            var before = _redis.Memory.Connects;
            _files = Reading(new GroupSecret(Second, First));
            Turn(how);
            _rig.Run(TimeSpan.FromMinutes(10));
            Assert.InRange(_redis.Memory.Connects - before, 0, most);
            Assert.Equal(how == "throws", !_rig.Failures.IsEmpty);
            Turn("");
            _rig.Run(TimeSpan.FromMinutes(2));
            Assert.Equal("ready", _rig.Sink["passwords"]);
        });

        void Turn(string to)
        {
            _redis.Memory.Refuses = () => to == "refused" ? new RedisConnectionException(RedisFailure.Refused, "refused") : null;
            _redis.Memory.Greets = to == "full" ? FakeReply.Raw("-ERR max number of clients reached\r\n") : null;
            _unreadable = to == "throws" ? new InvalidOperationException("no such volume") : null;
            _files = _files with { Mistakes = to == "files" ? ["REDIS_PASSWORD_FILE can't be read"] : [] };
        }
    }

    private void Start(RetiredPasswords? retired = null, params Secret[] more)
    {
        if (_files.Redis.Default is not null) foreach (var server in (Server[])[_redis, _sentinel]) server.Accept(First, more);
        var settings = new PasswordSettings
        {
            Cluster = Samples.Cluster,
            Address = () => MemoryGroup.Me,
            Own = MemoryGroup.Me,
            RedisHosts = [MemoryGroup.Me],
            SentinelHosts = [AtSentinel],
            RedisCount = 1,
            SentinelCount = 1,
            ResolveTimeout = TimeSpan.FromSeconds(1),
        };
        var client = new PasswordClient(
            at => at == AtSentinel ? _sentinel.Memory : _redis.Memory, new RedisClientOptions { Time = _rig.Time }, "t/r");
        _rig.Start("passwords", new PasswordLoop(
            settings, Read, client, _ => Task.FromResult(FailoverFacts.NamesMe), retired ?? new RetiredPasswords(null), _ => _uses++,
            _rig.Sink, new MetricSet(), _rig.Time).RunAsync);

        PasswordReading Read()
        {
            _reads++;
            return _unreadable is { } why ? throw why : _files;
        }
    }

    private static PasswordReading Reading(GroupSecret? secret)
    {
        var secrets = new GroupSecrets { Default = secret };
        return new PasswordReading(secrets, secrets, []);
    }

    private static Secret Password(string text) => Secret.TryParse(Encoding.UTF8.GetBytes(text), out var secret, out var problem)
        ? secret
        : throw new ArgumentException(problem, nameof(text));

    /// <summary>Users with their passwords, and what it logs in with.</summary>
    private sealed class Server(RedisEndpoint at, char id, params string[] users)
    {
        private MemoryServer? _memory;

        public MemoryServer Memory => _memory ??= new MemoryServer(at, Answer);

        public Dictionary<string, HashSet<string>> Users { get; } = [];

        public string Sends { get; private set; } = "";

        public void Accept(Secret password, params Secret[] more)
        {
            foreach (var user in users) Users[user] = [password.Sha256Hex, .. more.Select(one => one.Sha256Hex)];
            Sends = password.Value;
        }

        private byte[] Answer(IReadOnlyList<string> words)
        {
            switch (words[0] + " " + words.ElementAtOrDefault(1))
            {
                case "INFO ": return FakeReply.Bulk($"run_id:{new string(id, 40)}\r\nrole:master\r\n");
                case "CONFIG GET" when words[2] == "masterauth": return FakeReply.Array("masterauth", Sends);
                case "CONFIG GET": return FakeReply.Array(words[2], "");
                case "SENTINEL CONFIG" when words[2] == "GET": return FakeReply.Array("sentinel-pass", Sends);
                case "ACL GETUSER":
                    return FakeReply.Array(
                        FakeReply.Bulk("flags"), FakeReply.Array("on"), FakeReply.Bulk("passwords"),
                        FakeReply.Array(Users[words[2]].ToArray()));
                case "ACL SETUSER":
                    foreach (var rule in words.Skip(3))
                        _ = rule[0] == '#' ? Users[words[2]].Add(rule[1..]) : Users[words[2]].Remove(rule[1..]);
                    return FakeReply.Ok;
                default:
                    if (words.Contains("SET") && words[^2] is "masterauth" or "sentinel-pass") Sends = words[^1];
                    return FakeReply.Ok;
            }
        }
    }
}
