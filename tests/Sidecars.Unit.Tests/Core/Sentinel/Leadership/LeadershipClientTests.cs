using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

public sealed class LeadershipClientTests
{
    private static readonly RedisEndpoint Old = new("10.0.0.1", 6379);
    private static readonly string Candidate = new('f', 40);
    private static readonly HelloMessage Hello = new(
        new SentinelPeer { Address = new RedisEndpoint("10.0.1.2", 26379), MyId = new string('b', 40) }, 5, "m", Old, 5);

    [Fact]
    public async Task A_vote_is_asked_for_the_address_that_this_Sentinel_monitors()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Raw($"*3\r\n:1\r\n$40\r\n{Candidate}\r\n:4\r\n"));
        Assert.Equal(new VoteAnswer.Cast(Candidate, 4), await Client().VoteAsync(ElectorAt(server.Endpoint), 4, Candidate, default));
        Assert.Equal(
            ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", "6379", "4", Candidate], server.Commands.Single(c => c[0] == "SENTINEL"));
    }

    [Theory]
    [InlineData("-NOPERM this user has no permissions\r\n", true)]
    [InlineData("*2\r\n:1\r\n$1\r\n*\r\n", false)]
    [InlineData("+OK\r\n", false)]
    [InlineData("*3\r\n:1\r\n$1\r\n*\r\n$1\r\n4\r\n", false)]
    public async Task Any_other_answer_is_no_vote(string reply, bool isDenied)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Raw(reply));
        var answer = await Client().VoteAsync(ElectorAt(server.Endpoint), 4, Candidate, default);
        Assert.Equal(isDenied, answer is VoteAnswer.Denied);
        Assert.Equal(!isDenied, answer is VoteAnswer.Silent);
    }

    [Fact]
    public async Task A_hello_goes_to_the_channel_of_hellos_and_the_others_are_read_after_it()
    {
        await using var server = FakeRedisServer.Answering(c => c[0] == "PUBLISH" ? FakeReply.Raw(":1\r\n") : FakeReply.Raw("*0\r\n"));
        Assert.Empty(Assert.IsType<HelloAnswer.Taken>(await Client().PublishAsync(server.Endpoint, Hello, default)).Others);
        Assert.Equal(["PUBLISH", "__sentinel__:hello", $"10.0.1.2,26379,{new string('b', 40)},5,m,10.0.0.1,6379,5"],
            server.Commands.First(c => c[0] == "PUBLISH"));
    }

    [Theory]
    [InlineData("-NOPERM this user has no permissions\r\n", true)]
    [InlineData("-ERR Only HELLO messages are accepted by Sentinel instances.\r\n", true)]
    [InlineData(":0\r\n", false)]
    public async Task A_hello_that_was_not_processed_is_told_apart(string reply, bool isDenied)
    {
        await using var server = FakeRedisServer.Answering(c => c[0] == "PUBLISH" ? FakeReply.Raw(reply) : FakeReply.Raw("*0\r\n"));
        var answer = await Client().PublishAsync(server.Endpoint, Hello, default);
        Assert.Equal(isDenied, answer is HelloAnswer.Denied);
        Assert.Equal(!isDenied, answer is HelloAnswer.Silent);
    }

    [Fact]
    public async Task An_announcement_and_whom_it_is_answered_with_are_one_exchange()
    {
        var afterwards = new RedisEndpoint("10.0.9.1", 6379);
        await using var server =
            FakeRedisServer.Answering(words => words[0] == "PUBLISH" ? FakeReply.Integer(1) : Names(words, afterwards.Host, "4"));
        Assert.Equal(new AnnounceAnswer.Names(afterwards, 4), await Client().AnnounceAsync(server.Endpoint, Hello, default));
        var sent = server.Commands.Where(c => c[0] is "PUBLISH" or "SENTINEL").ToList();
        Assert.Equal(["PUBLISH", HelloMessage.Channel, Hello.Text], sent[0]);
        Assert.Equal(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m"], sent[1]);
        Assert.Equal(["SENTINEL", "MASTER", "m"], sent[2]);
    }

    [Theory]
    [InlineData("-NOPERM this user has no permissions\r\n", "10.0.0.1", "4")]
    [InlineData(":1\r\n", null, "4")]
    [InlineData(":1\r\n", "", "4")]
    [InlineData(":1\r\n", "10.0.0.1", "4x")]
    public async Task Whoever_refuses_an_announcement_or_names_nobody_afterwards_says_nothing(string published, string? host, string epoch)
    {
        await using var server =
            FakeRedisServer.Answering(words => words[0] == "PUBLISH" ? FakeReply.Raw(published) : Names(words, host, epoch));
        Assert.NotEmpty(Assert.IsType<AnnounceAnswer.Silent>(await Client().AnnounceAsync(server.Endpoint, Hello, default)).Why);
    }

    [Fact]
    public async Task Nobody_there_is_silence()
    {
        var nowhere = new RedisEndpoint("127.0.0.1", TestKit.Processes.FreePort.Next());
        Assert.IsType<VoteAnswer.Silent>(await Client().VoteAsync(ElectorAt(nowhere), 4, Candidate, default));
        Assert.IsType<HelloAnswer.Silent>(await Client().PublishAsync(nowhere, Hello, default));
        Assert.IsType<AnnounceAnswer.Silent>(await Client().AnnounceAsync(nowhere, Hello, default));
    }

    private static byte[] Names(IReadOnlyList<string> words, string? host, string epoch) => words[1] switch
    {
        "GET-MASTER-ADDR-BY-NAME" => host is null ? FakeReply.NullArray : FakeReply.Array(host, "6379"),
        _ => FakeReply.Array("name", "m", "ip", host ?? "", "port", "6379", "flags", "master", "config-epoch", epoch),
    };

    private static Elector ElectorAt(RedisEndpoint endpoint) => new(endpoint, new string('a', 40), Old, 3, Hello.Sender, []);

    private static LeadershipClient Client() => new(e => new TcpTransport(e), new RedisClientOptions(), "m");
}
