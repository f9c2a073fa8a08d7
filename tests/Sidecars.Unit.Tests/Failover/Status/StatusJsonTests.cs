using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;
using static Sidecars.Unit.Tests.Failover.Status.StatusFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed class StatusJsonTests
{
    // A change here is one for every program that reads it: raise Format.
    private static readonly string[] Members =
    [
        "at: String", "backup.backups: Number", "backup.drill_age_seconds: Number", "backup.last_age_seconds: Number",
        "backup.last_id: String", "backup.state: String",
        "backup.tail_age_seconds: Number", "backup.why: String", "cluster: String", "configured.down_after_milliseconds: Number",
        "configured.min_replicas_to_write: Number",
        "configured.redis: Number", "configured.sentinels: Number", "findings[].because: String", "findings[].code: String",
        "findings[].kind: String",
        "findings[].subjects[]: String", "findings[].text: String", "findings[].to_do: String", "format: Number", "healthy: False",
        "healthy: True",
        "places[].address: String", "places[].name: String", "places[].state: String", "places[].token.epoch: Number",
        "places[].token.rev: Number",
        "places[].token.term: Number", "places[].why: String", "quorum.answering_sentinels: Number", "quorum.code: String",
        "quorum.epoch: Number",
        "quorum.master: String", "quorum.naming_sentinels: Number", "quorum.needed_sentinels: Number", "record.highest_epoch: Number",
        "record.served_at: String",
        "record.served_last: String", "record.state: String", "record.term: Number", "record.token.epoch: Number",
        "record.token.rev: Number", "record.token.term: Number",
        "record.why: String", "redis[].address: String", "redis[].follows: String", "redis[].keys: Number", "redis[].lag_bytes: Number",
        "redis[].link: String",
        "redis[].min_replicas_to_write: Number", "redis[].offset_bytes: Number", "redis[].other_addresses[]: String",
        "redis[].priority: Number",
        "redis[].replicas_in_sync: Number", "redis[].role: String", "redis[].run_id: String", "redis[].state: String",
        "redis[].waiting.code: String",
        "redis[].waiting.reason: String", "redis[].waiting.waited_seconds: Number", "redis[].waiting.waiting_for[]: String",
        "redis[].why: String",
        "redis[].writes: String", "rescues[].name: String", "rescues[].reason: String", "rescues[].size_bytes: Number",
        "sentinels[].address: String",
        "sentinels[].epoch: Number", "sentinels[].flags[]: String", "sentinels[].id: String", "sentinels[].master: String",
        "sentinels[].other_addresses[]: String",
        "sentinels[].other_sentinels: Number", "sentinels[].replicas: Number", "sentinels[].replicas_up: Number",
        "sentinels[].state: String", "sentinels[].why: String",
    ];

    // Words for people, and what servers and people chose.
    private static readonly string[] Words = ["text", "to_do", "why", "reason", "waiting_for[]"];

    [Fact]
    public void It_has_these_members_and_no_others() =>
        Assert.Equal(Members, Leaves().Select(leaf => $"{leaf.Path}: {leaf.Value.ValueKind}").Distinct().Order(StringComparer.Ordinal));

    // What a program must read is a code, a name, an address, a time or a number.
    [Fact]
    public void Only_members_for_people_are_sentences()
    {
        var texts = Leaves().Where(leaf => leaf.Value.ValueKind == JsonValueKind.String
            && !Array.Exists(Words, word => leaf.Path.EndsWith(word, StringComparison.Ordinal))).ToList();
        Assert.True(texts.Count > 1000);
        Assert.All(texts, leaf => Assert.DoesNotContain(' ', leaf.Value.GetString()!));
    }

    [Fact]
    public void Quantities_are_numbers()
    {
        var s = Healthy with
        {
            Backup = new BackupReading(3, "b", TimeSpan.FromHours(30), TimeSpan.FromDays(2), TimeSpan.FromSeconds(2)),
            Record = Serving(A, new FencingToken(2, 7, 1)),
        };
        using var document = JsonDocument.Parse(StatusJson.Write(StatusPolicy.Decide(s)));
        var root = document.RootElement;
        Assert.Equal((2, true), (root.GetProperty("format").GetInt32(), root.GetProperty("healthy").GetBoolean()));
        Assert.Equal(10, root.GetProperty("redis")[1].GetProperty("lag_bytes").GetInt64());
        Assert.Equal("up", root.GetProperty("redis")[1].GetProperty("state").GetString());
        Assert.Equal(108_000, root.GetProperty("backup").GetProperty("last_age_seconds").GetInt64());
        Assert.Equal(7, root.GetProperty("record").GetProperty("token").GetProperty("epoch").GetInt64());
        Assert.Equal(("10.0.0.1:6379", 3), (root.GetProperty("quorum").GetProperty("master").GetString(),
            root.GetProperty("quorum").GetProperty("naming_sentinels").GetInt32()));
    }

    [Fact]
    public void Each_look_of_a_watch_is_one_line()
    {
        var lines = StatusJson.Write(StatusPolicy.Decide(Disagreements["fenced"]), oneLine: true);
        Assert.DoesNotContain('\n', lines.TrimEnd('\n'));
        using var document = JsonDocument.Parse(lines);
        Assert.Equal(("fenced", "disagreement"), (document.RootElement.GetProperty("findings")[0].GetProperty("code").GetString(),
            document.RootElement.GetProperty("findings")[0].GetProperty("kind").GetString()));
    }

    private static IEnumerable<(string Path, JsonElement Value)> Leaves()
    {
        var two = On(s => s with
        {
            Sentinels = [.. s.Sentinels, .. s.Sentinels.OfType<SentinelObservation.Known>().Take(1)
                .Select(k => new SentinelObservation.Known(new RedisEndpoint("fd00::11", 26379), k.View))]
        });
        two = two with
        {
            Group = two.Group with
            { Others = [.. two.Group.Others, new NodeObservation.Known(new RedisEndpoint("fd00::2", 6379), ReplicaAt(B))] },
            Record = Serving(A, new FencingToken(2, 7, 1))
        };
        foreach (var snapshot in StatusFacts.All.Append(two).Append(Healthy with { Record = Serving(A, new FencingToken(2, 7, 1)) }))
        {
            using var document = JsonDocument.Parse(StatusJson.Write(StatusPolicy.Decide(snapshot)));
            foreach (var leaf in Walk("", document.RootElement.Clone())) yield return leaf;
        }
    }

    private static IEnumerable<(string Path, JsonElement Value)> Walk(string path, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object =>
            element.EnumerateObject().SelectMany(member => Walk(path.Length == 0 ? member.Name : $"{path}.{member.Name}", member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Walk(path + "[]", item)),
        _ => [(path, element)],
    };
}
