using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Election;

public sealed class LeaseRecordTests
{
    private const string Cluster = "tenant-a/redis";
    private const string P = SidecarAnnotations.Prefix;
    private static readonly NodeIdentity Zero = new("redis-0", "uid-0");

    private static readonly ElectionRecord Full = new()
    {
        Term = 7,
        HighestEpoch = 12,
        Candidate = "redis-1",
        CandidateUid = "uid-1",
        CandidateIncarnation = "run-1",
        CandidateAddress = new RedisEndpoint("fd00::1", 6379),
        LastServing = new ServingMaster(
            "redis-0", "uid-0", new RedisEndpoint("10.0.0.1", 6379), new FencingToken(6, 12, 1), Id('a'), 4_000),
        History = [new LineageEntry(Id('a'), 0, new LineagePosition(1, 0, 1), Zero),
            new LineageEntry(Id('b'), 99, new LineagePosition(6, 12, 2), Zero)],
        InSync = [new InSyncReplica("redis-1", "uid-1", 3_900)],
        EmptyStartAllowedInTerm = 7,
        Trusted = "redis-0",
        Word = new PersonsWord(PersonsWordKind.Trust, "redis-0", 7),
        Round = "n-1",
    };

    // Text for text what the version before this one writes and reads: both write the same Lease during an upgrade.
    private static readonly Dictionary<string, string> FullText = new()
    {
        ["format"] = "1",
        ["cluster-id"] = Cluster,
        ["term"] = "7",
        ["highest-epoch"] = "12",
        ["candidate"] = """{"podUid":"uid-1","podName":"redis-1","address":"[fd00::1]:6379","term":7,"incarnation":"run-1"}""",
        ["last-serving"] =
            """{"podUid":"uid-0","podName":"redis-0","address":"10.0.0.1:6379","term":6,"epoch":12,"rev":1,"replicationId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","offset":4000}""",
        ["lineage"] =
            """[{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","offset":0,"term":1,"epoch":0,"generation":1,"master":"uid-0","masterName":"redis-0"},"""
                + """{"id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","offset":99,"term":6,"epoch":12,"generation":2,"master":"uid-0","masterName":"redis-0"}]""",
        ["in-sync"] = """[{"uid":"uid-1","name":"redis-1","offset":3900}]""",
        ["empty-start-allowed-in-term"] = "7",
        ["trusted"] = "redis-0",
        ["persons-word"] = """{"kind":"trust","podName":"redis-0","term":7}""",
        ["round"] = "n-1",
    };

    [Fact]
    public void The_format_is_the_one_that_neighbouring_versions_read_and_write()
    {
        Assert.Equal(
            FullText.OrderBy(a => a.Key).Select(a => (P + a.Key, a.Value)),
            LeaseRecord.Apply(Lease(), Cluster, Full).Annotations.OrderBy(a => a.Key).Select(a => (a.Key, a.Value!)));
        // Two annotations that former versions knew and none ever filled stay as they are.
        var former = Lease(
            [.. FullText.Select(a => (P + a.Key, a.Value)), (P + "durability", "aof"), (P + "fence", """{"podUid":"u","reason":"r"}""")]);
        Same(Full, Read(former));
        Assert.Equal("aof", LeaseRecord.Apply(former, Cluster, Full).Annotations[P + "durability"]);
    }

    [Fact]
    public void A_persons_word_of_a_newer_version_is_none_and_survives()
    {
        const string Newer = """{"kind":"newer","podName":"redis-0","term":7}""";
        var lease = With(LeaseRecord.Apply(Lease(), Cluster, Full), "persons-word", Newer);
        Same(Full with { Word = null }, Read(lease));
        Assert.Equal(Newer, LeaseRecord.Apply(lease, Cluster, Read(lease) with { Round = "n-2" }).Annotations[P + "persons-word"]);
    }

    [Fact]
    public void What_is_written_is_what_is_read()
    {
        Same(Full, Read(LeaseRecord.Apply(Lease(), Cluster, Full)));
        Same(new ElectionRecord(), Read(LeaseRecord.Apply(LeaseRecord.Apply(Lease(), Cluster, Full), Cluster, new ElectionRecord())));
    }

    [Fact]
    public void No_set_known_and_an_empty_set_are_different()
    {
        Assert.Null(Read(LeaseRecord.Apply(Lease(), Cluster, new ElectionRecord())).InSync);
        Assert.Empty(Read(LeaseRecord.Apply(Lease(), Cluster, new ElectionRecord { InSync = [] })).InSync!.Value);
    }

    [Fact]
    public void A_lease_without_our_annotations_is_a_group_that_never_had_a_term() =>
        Same(new ElectionRecord(), Read(Lease(("kubectl.kubernetes.io/last-applied-configuration", "{}"))));

    [Theory]
    [InlineData("format", null)]
    [InlineData("format", "0")]
    [InlineData("format", "3")] // two versions ahead of ours
    [InlineData("format", "1.0")]
    [InlineData("cluster-id", null)]
    [InlineData("cluster-id", "tenant-b/redis")]
    [InlineData("term", null)]
    [InlineData("term", "-1")]
    [InlineData("term", "+1")]
    [InlineData("term", " 1")]
    [InlineData("term", "9223372036854775808")]
    [InlineData("term", "9007199254740992")]
    [InlineData("term", "5")] // below the term of the last serving master
    [InlineData("highest-epoch", "11")] // below the epoch that served
    [InlineData("highest-epoch", "")]
    [InlineData("candidate", "")]
    [InlineData("candidate", "[]")]
    [InlineData("candidate", "null")]
    [InlineData("candidate", "{}")]
    [InlineData("candidate", "{\"podUid\":\"u\",\"podName\":\"p\",\"address\":\"10.0.0.1\",\"term\":7}")] // no port
    [InlineData("candidate", "{\"podUid\":\"u\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":8}")] // above the term
    [InlineData("candidate", "{\"podUid\":\"u\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":7.5}")]
    [InlineData("candidate", "{\"podUid\":\"u\",\"podUid\":\"v\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":7}")]
    [InlineData("candidate", "{\"podUid\":\"\\ud800\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":7}")]
    [InlineData("candidate", "{\"podUid\":\"a\\nb\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":7}")]
    [InlineData("last-serving",
        "{\"podUid\":\"u\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":1,\"epoch\":1,\"rev\":0,\"replicationId\":\"xyz\"}")]
    [InlineData("lineage", "{}")]
    [InlineData("lineage", "[1]")]
    [InlineData("lineage", "[[[[[[]]]]]]")]
    [InlineData("in-sync", "[{}]")]
    [InlineData("in-sync", "[")]
    [InlineData("round", "")]
    [InlineData("round", "a b")]
    // above the term
    [InlineData("lineage",
        "[{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"offset\":0,\"term\":8,\"epoch\":1,\"generation\":1,\"master\":\"u\","
        + "\"masterName\":\"n\"}]")]
    [InlineData("persons-word", "{\"kind\":\"trust\",\"podName\":\"redis-0\",\"term\":8}")]
    public void A_wrong_annotation_is_a_fault_that_names_it(string name, string? value)
    {
        var annotations = LeaseRecord.Apply(Lease(), Cluster, Full).Annotations.ToDictionary();
        if (value is null) annotations.Remove(P + name);
        else annotations[P + name] = value;

        Assert.False(LeaseRecord.TryRead(Lease([.. annotations.Select(a => (a.Key, a.Value!))]), Cluster, out _, out var fault));
        Assert.Contains(fault.Annotation, name is "term" && value == "5" ? [P + "candidate"]
            : name == "highest-epoch" && value == "11" ? [P + "last-serving"]
            : new[] { P + name });
    }

    [Fact]
    public void Lists_are_bounded_on_read_and_the_newest_lineage_is_kept_on_write()
    {
        var many = Enumerable.Range(1, 100).Select(
            i => new LineageEntry(Id(i.ToString("x40", null)), i, new LineagePosition(1, 1, i), new NodeIdentity("n", "u"))).ToList();
        var written = LeaseRecord.Apply(Lease(), Cluster, new ElectionRecord { Term = 1, History = [.. many] });
        Assert.Equal(many.TakeLast(LineageHistory.MaxEntries), Read(written).History);

        var pods = "[" + string.Join(',', Enumerable.Repeat("{\"uid\":\"u\",\"name\":\"n\"}", ElectionRecord.MaxInSync + 1)) + "]";
        Assert.False(LeaseRecord.TryRead(With(written, "in-sync", pods), Cluster, out _, out var fault));
        Assert.Equal(P + "in-sync", fault.Annotation);
    }

    [Fact]
    public void A_value_longer_than_the_bound_is_refused_before_it_is_parsed()
    {
        var huge = With(LeaseRecord.Apply(Lease(), Cluster, Full), "lineage", "[" + new string(' ', SidecarAnnotations.MaxValue) + "]");
        Assert.False(LeaseRecord.TryRead(huge, Cluster, out _, out var fault));
        Assert.Contains("longer", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_neighbours_members_annotations_and_format_survive_our_write()
    {
        var lease = LeaseRecord.Apply(Lease(("team/owner", "platform")), Cluster, Full);
        lease = With(lease, "format", "2");
        lease = With(lease, "new-in-2", "x");
        lease = With(lease, "candidate",
            "{\"podUid\":\"uid-1\",\"podName\":\"redis-1\",\"address\":\"[fd00::1]:6379\",\"term\":7,\"incarnation\":\"run-1\","
            + "\"zone\":\"b\"}");
        Same(Full, Read(lease));

        var written = LeaseRecord.Apply(lease, Cluster, Full with { HighestEpoch = 13 });
        Assert.Equal("2", written.Annotations[P + "format"]);
        Assert.Equal("x", written.Annotations[P + "new-in-2"]);
        Assert.Equal("platform", written.Annotations["team/owner"]);
        Assert.Contains("zone", written.Annotations[P + "candidate"], StringComparison.Ordinal);
        Assert.Equal("13", written.Annotations[P + "highest-epoch"]);
    }

    [Fact]
    public void A_document_that_could_not_be_read_back_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => LeaseRecord.Apply(Lease(), Cluster, Full with { Term = 5 }));
        Assert.Throws<ArgumentException>(() => LeaseRecord.Apply(Lease(), Cluster, Full with { Round = "two words" }));
    }

    [Fact]
    public void Whatever_stands_in_an_annotation_is_read_or_a_fault_and_never_an_exception() =>
        Prop.ForAll(
            Gen.Elements(
                "format", "cluster-id", "term", "highest-epoch", "candidate", "last-serving", "lineage", "in-sync", "round", "persons-word")
                .Zip(Gen.OneOf(ArbMap.Default.GeneratorFor<string>(),
                    Gen.Elements("{\"", "[{}]", "[]", "{}", "\"\\udc00\"", "1e999", "{\"term\":1e9}")),
                    (n, v) => (n, v)).ToArbitrary(),
            x =>
            {
                var lease = With(LeaseRecord.Apply(Lease(), Cluster, Full), x.n, x.v);
                return LeaseRecord.TryRead(lease, Cluster, out var record, out var fault)
                    ? record is not null
                    : fault.Annotation.StartsWith(P, StringComparison.Ordinal);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Evidence_is_read_as_written_and_bounded_by_its_bytes()
    {
        var evidence = new EvidenceDocument("uid-0", "node-a", "n-1", "{\"é\":1}");
        Assert.True(EvidenceDocument.TryRead(evidence.Apply(Lease(), Cluster), Cluster, out var read, out _));
        Assert.Equal(evidence, read);
        Assert.NotNull((evidence with { Evidence = new string('x', EvidenceDocument.MaxEvidenceBytes) }).Apply(Lease(), Cluster));
        Assert.Throws<ArgumentException>(
            () => (evidence with { Evidence = new string('é', EvidenceDocument.MaxEvidenceBytes - 1) }).Apply(Lease(), Cluster));
        Assert.Throws<ArgumentException>(() => (evidence with { Round = "" }).Apply(Lease(), Cluster));
        Assert.False(EvidenceDocument.TryRead(evidence.Apply(Lease(), Cluster), "tenant-b/redis", out _, out var fault));
        Assert.Equal(P + "cluster-id", fault.Annotation);
    }

    private static ElectionRecord Read(LeaseDocument lease)
    {
        Assert.True(LeaseRecord.TryRead(lease, Cluster, out var record, out var fault), fault?.ToString());
        return record;
    }

    // By all of its parts; arrays in a record are equal only where they are the same.
    private static void Same(ElectionRecord expected, ElectionRecord actual) =>
        Assert.Equal(Encoding.UTF8.GetString(ElectionDocuments.Write(expected)), Encoding.UTF8.GetString(ElectionDocuments.Write(actual)));

    private static ReplicationId Id(char digit) => Id(new string(digit, ReplicationId.Length));

    private static ReplicationId Id(string text) => ReplicationId.TryParse(text, out var id) ? id : throw new ArgumentException(text);

    private static LeaseDocument With(LeaseDocument lease, string name, string? value)
    {
        var annotations = new Dictionary<string, string?>(lease.Annotations) { [P + name] = value };
        return lease with { Metadata = lease.Metadata! with { Annotations = annotations } };
    }

    private static LeaseDocument Lease(params (string Key, string Value)[] annotations) => LeaseDocument.New("tenant-a", "g") with
    {
        Metadata = new ObjectMeta { Name = "g", Annotations = annotations.ToDictionary(a => a.Key, a => (string?)a.Value) },
    };
}
