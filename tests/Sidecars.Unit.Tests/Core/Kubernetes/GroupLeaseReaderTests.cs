using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Kubernetes;

public sealed class GroupLeaseReaderTests
{
    private const string Cluster = "tenant-a/redis";
    private const string P = SidecarAnnotations.Prefix;
    private static readonly string Id = new('a', 40);

    private static readonly GroupLeaseDocument Full = new()
    {
        Term = 7,
        HighestEpoch = 12,
        Candidate = new LeaseCandidate("uid-1", "redis-1", new RedisEndpoint("fd00::1", 6379), 7, "run-1"),
        LastServing = new LeaseServing("uid-0", "redis-0", new RedisEndpoint("10.0.0.1", 6379), 6, 12, 1, Id, 4_000),
        Lineage = [new LineagePoint(Id, 0, 1, 0, 1, "uid-0", "redis-0"), new LineagePoint(new string('b', 40), 99, 6, 12, 2, "uid-0", "redis-0")],
        InSync = [new InSyncPod("uid-1", "redis-1", 3_900)],
        EmptyStartAllowedInTerm = 7,
        Trusted = "redis-0",
        Word = new LeaseWord("trust", "redis-0", 7),
        Round = "n-1",
        Durability = "aof",
        Fence = new FenceFact("uid-0", "a majority names another"),
    };

    [Fact]
    public void What_is_written_is_what_is_read()
    {
        Assert.Equal(Full, Read(GroupLeaseReader.Apply(Lease(), Cluster, Full)));
        Assert.Equal(new GroupLeaseDocument(), Read(GroupLeaseReader.Apply(GroupLeaseReader.Apply(Lease(), Cluster, Full), Cluster, new GroupLeaseDocument())));
    }

    [Fact]
    public void No_set_known_and_an_empty_set_are_different()
    {
        Assert.Null(Read(GroupLeaseReader.Apply(Lease(), Cluster, new GroupLeaseDocument())).InSync);
        Assert.Empty(Read(GroupLeaseReader.Apply(Lease(), Cluster, new GroupLeaseDocument { InSync = [] })).InSync!);
    }

    [Fact]
    public void A_lease_without_our_annotations_is_a_group_that_never_had_a_term() =>
        Assert.Equal(new GroupLeaseDocument(), Read(Lease(("kubectl.kubernetes.io/last-applied-configuration", "{}"))));

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
    [InlineData("last-serving", "{\"podUid\":\"u\",\"podName\":\"p\",\"address\":\"10.0.0.1:1\",\"term\":1,\"epoch\":1,\"rev\":0,\"replicationId\":\"xyz\"}")]
    [InlineData("lineage", "{}")]
    [InlineData("lineage", "[1]")]
    [InlineData("lineage", "[[[[[[]]]]]]")]
    [InlineData("in-sync", "[{}]")]
    [InlineData("in-sync", "[")]
    [InlineData("round", "")]
    [InlineData("round", "a b")]
    [InlineData("durability", "a very long word indeed")]
    [InlineData("fence", "true")]
    public void A_wrong_annotation_is_a_fault_that_names_it(string name, string? value)
    {
        var annotations = GroupLeaseReader.Apply(Lease(), Cluster, Full).Annotations.ToDictionary();
        if (value is null) annotations.Remove(P + name);
        else annotations[P + name] = value;

        Assert.False(GroupLeaseReader.TryRead(Lease([.. annotations.Select(a => (a.Key, a.Value!))]), Cluster, out _, out var fault));
        Assert.Contains(fault.Annotation, name is "term" && value == "5" ? [P + "candidate"] : name == "highest-epoch" && value == "11" ? [P + "last-serving"] : new[] { P + name });
    }

    [Fact]
    public void Lists_are_bounded_on_read_and_the_newest_lineage_is_kept_on_write()
    {
        var many = Enumerable.Range(0, 100).Select(i => new LineagePoint(i.ToString("x40", null), i, 1, 1, i, "u", "n")).ToList();
        var written = GroupLeaseReader.Apply(Lease(), Cluster, new GroupLeaseDocument { Term = 1, Lineage = many });
        Assert.Equal(many.TakeLast(GroupLeaseDocument.MaxLineage), Read(written).Lineage);

        var pods = "[" + string.Join(',', Enumerable.Repeat("{\"uid\":\"u\",\"name\":\"n\"}", GroupLeaseDocument.MaxInSync + 1)) + "]";
        Assert.False(GroupLeaseReader.TryRead(With(written, "in-sync", pods), Cluster, out _, out var fault));
        Assert.Equal(P + "in-sync", fault.Annotation);
    }

    [Fact]
    public void A_value_longer_than_the_bound_is_refused_before_it_is_parsed()
    {
        var huge = With(GroupLeaseReader.Apply(Lease(), Cluster, Full), "lineage", "[" + new string(' ', SidecarAnnotations.MaxValue) + "]");
        Assert.False(GroupLeaseReader.TryRead(huge, Cluster, out _, out var fault));
        Assert.Contains("longer", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_neighbours_members_annotations_and_format_survive_our_write()
    {
        var lease = GroupLeaseReader.Apply(Lease(("team/owner", "platform")), Cluster, Full);
        lease = With(lease, "format", "2");
        lease = With(lease, "new-in-2", "x");
        lease = With(lease, "candidate", "{\"podUid\":\"uid-1\",\"podName\":\"redis-1\",\"address\":\"[fd00::1]:6379\",\"term\":7,\"incarnation\":\"run-1\",\"zone\":\"b\"}");
        Assert.Equal(Full, Read(lease));

        var written = GroupLeaseReader.Apply(lease, Cluster, Full with { HighestEpoch = 13 });
        Assert.Equal("2", written.Annotations[P + "format"]);
        Assert.Equal("x", written.Annotations[P + "new-in-2"]);
        Assert.Equal("platform", written.Annotations["team/owner"]);
        Assert.Contains("zone", written.Annotations[P + "candidate"], StringComparison.Ordinal);
        Assert.Equal("13", written.Annotations[P + "highest-epoch"]);
    }

    [Fact]
    public void A_document_that_could_not_be_read_back_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => GroupLeaseReader.Apply(Lease(), Cluster, Full with { Term = 5 }));
        Assert.Throws<ArgumentException>(() => GroupLeaseReader.Apply(Lease(), Cluster, Full with { Round = "two words" }));
    }

    [Fact]
    public void Whatever_stands_in_an_annotation_is_read_or_a_fault_and_never_an_exception() =>
        Prop.ForAll(
            Gen.Elements("format", "cluster-id", "term", "highest-epoch", "candidate", "last-serving", "lineage", "in-sync", "round", "durability", "fence")
                .Zip(Gen.OneOf(ArbMap.Default.GeneratorFor<string>(), Gen.Elements("{\"", "[{}]", "[]", "{}", "\"\\udc00\"", "1e999", "{\"term\":1e9}")), (n, v) => (n, v)).ToArbitrary(),
            x =>
            {
                var lease = With(GroupLeaseReader.Apply(Lease(), Cluster, Full), x.n, x.v);
                return GroupLeaseReader.TryRead(lease, Cluster, out var document, out var fault) ? document is not null : fault.Annotation.StartsWith(P, StringComparison.Ordinal);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Evidence_is_read_as_written_and_bounded_by_its_bytes()
    {
        var evidence = new EvidenceDocument("uid-0", "node-a", "n-1", "{\"é\":1}");
        Assert.True(EvidenceDocument.TryRead(evidence.Apply(Lease(), Cluster), Cluster, out var read, out _));
        Assert.Equal(evidence, read);
        Assert.NotNull((evidence with { Evidence = new string('x', EvidenceDocument.MaxEvidenceBytes) }).Apply(Lease(), Cluster));
        Assert.Throws<ArgumentException>(() => (evidence with { Evidence = new string('é', EvidenceDocument.MaxEvidenceBytes - 1) }).Apply(Lease(), Cluster));
        Assert.Throws<ArgumentException>(() => (evidence with { Round = "" }).Apply(Lease(), Cluster));
        Assert.False(EvidenceDocument.TryRead(evidence.Apply(Lease(), Cluster), "tenant-b/redis", out _, out var fault));
        Assert.Equal(P + "cluster-id", fault.Annotation);
    }

    private static GroupLeaseDocument Read(LeaseDocument lease)
    {
        Assert.True(GroupLeaseReader.TryRead(lease, Cluster, out var document, out var fault), fault?.ToString());
        return document;
    }

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
