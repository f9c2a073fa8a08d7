using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using static Sidecars.Unit.Tests.Failover.Publish.Records.DnsFacts;

namespace Sidecars.Unit.Tests.Failover.Publish.Records;

public sealed class DnsPublishPolicyTests
{
    private static readonly DnsPublication Mine = Publication(2, 10, "10.0.0.2");
    private static readonly string Owner = Mine.OwnerName;

    [Fact]
    public void A_free_name_is_taken_with_both_records()
    {
        var publish = Write(DnsPublishPolicy.Decide(Mine, Empty));
        Assert.Equal("first", publish.Code);
        Assert.Empty(publish.Change.Deletes);
        Assert.Equal(["TXT", "A"], publish.Change.Creates.Select(set => set.Type));
    }

    [Theory]
    [InlineData("A", "10.9.9.9")]
    [InlineData("AAAA", "2001:db8::1")]
    [InlineData("CNAME", "other.example.org")]
    public void A_name_that_leads_somewhere_without_our_txt_is_not_ours(string type, string value) =>
        Refused("record-not-ours", Empty.With(Set(Name, type, value)));

    [Theory]
    [InlineData("\"heritage=external-dns,external-dns/owner=default\"", "owner-unreadable")]
    [InlineData("\"v=2;cluster=tenant/redis\"", "newer-format")]
    [InlineData("\"v=1;cluster=other/redis;term=1;epoch=1;rev=0;addr=10.0.0.1\"", "foreign-owner")]
    [InlineData("\"v=1;cluster=TENANT/redis;term=1;epoch=1;rev=0;addr=10.0.0.1\"", "foreign-owner")]
    public void A_txt_that_is_not_ours_is_never_replaced(string value, string code) =>
        Refused(code, Empty.With(Set(Owner, "TXT", value), Set(Name, "A", "10.0.0.1")));

    [Theory]
    [InlineData("an alias")]
    [InlineData("one of several by weight")]
    public void Special_records_are_never_replaced(string special)
    {
        var zone = After(Publication(1, 1, "10.0.0.1"));
        Refused("special-record", zone.Without("A").With(Set(Name, "A", "10.0.0.1", special: special)));
        Refused("special-record", zone.Without("TXT").With(Set(Owner, "TXT", "\"x\"", special: special)));
        Refused("special-record", zone.With(Set(Name, "AAAA", "::1", special: special)));
    }

    [Fact]
    public void Nothing_may_stand_beside_a_cname()
    {
        var wanted = Publication(2, 10, "redis-0.example.org");
        Assert.Equal(
            "name-in-use", Assert.IsType<PublishOutcome.Refused>(Outcome(wanted, Empty.With(Set(Name, "MX", "10 mail.example.org")))).Code);
        _ = Write(DnsPublishPolicy.Decide(Mine, Empty.With(Set(Name, "MX", "10 mail.example.org"))));
    }

    [Theory]
    [InlineData(1, 99, 0)]
    [InlineData(2, 9, 99)]
    [InlineData(0, 0, 0)]
    public void An_older_token_is_replaced_exactly_as_it_was_read(long term, long epoch, long rev)
    {
        var zone = After(Publication(term, epoch, "10.0.0.1", ttl: 60, rev: rev));
        var publish = Write(DnsPublishPolicy.Decide(Mine, zone));
        Assert.Equal("newer-token", publish.Code);
        Assert.Equal(zone.Sets.Select(set => set.ToString()), publish.Change.Deletes.Select(set => set.ToString()));
        Assert.Equal(After(Mine).Sets.Select(set => set.ToString()), zone.After(publish.Change).Sets.Select(set => set.ToString()));
    }

    [Theory]
    [InlineData(3, 0, 0)]
    [InlineData(2, 11, 0)]
    [InlineData(2, 10, 1)]
    public void A_newer_token_ends_it_whatever_the_address(long term, long epoch, long rev)
    {
        _ = Assert.IsType<PublishOutcome.Superseded>(Outcome(Mine, After(Publication(term, epoch, "10.0.0.9", rev: rev))));
        _ = Assert.IsType<PublishOutcome.Superseded>(Outcome(Mine, After(Publication(term, epoch, "10.0.0.2", rev: rev)).Without("A")));
    }

    [Fact]
    public void One_token_for_two_addresses_is_for_a_person()
    {
        var decision = Assert.IsType<PublishOutcome.Contested>(Outcome(Mine, After(Publication(2, 10, "10.0.0.9"))));
        Assert.Contains("10.0.0.9", decision.Reason, StringComparison.Ordinal);
        Assert.Contains("10.0.0.2", decision.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_another_hand_changed_is_repaired()
    {
        var zone = After(Mine);
        _ = Assert.IsType<PublishOutcome.UpToDate>(Outcome(Mine, zone));
        foreach (var broken in new[]
        {
            zone.Without("A"),
            zone.Without("A").With(Set(Name, "A", "10.6.6.6", 5)),
            zone.Without("A").With(Set(Name, "A", "10.0.0.2", 300)),
            zone.With(Set(Name, "AAAA", "2001:db8::66")),
        })
        {
            var publish = Write(DnsPublishPolicy.Decide(Mine, broken));
            Assert.Equal("repair", publish.Code);
            _ = Assert.IsType<PublishOutcome.UpToDate>(Outcome(Mine, broken.After(publish.Change)));
        }
    }

    [Fact]
    public void An_address_may_become_a_name_and_back()
    {
        var named = Publication(2, 11, "redis-0.example.org");
        var zone = After(Mine);
        zone = zone.After(Write(DnsPublishPolicy.Decide(named, zone)).Change);
        Assert.Equal(["TXT", "CNAME"], zone.Sets.Select(set => set.Type));
        zone = zone.After(Write(DnsPublishPolicy.Decide(Publication(2, 12, "10.0.0.2"), zone)).Change);
        Assert.Equal(["TXT", "A"], zone.Sets.Select(set => set.Type));
    }

    [Fact]
    public void Whatever_order_writers_come_in_the_token_never_goes_back()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (zone, highest) = (Empty, FencingToken.None);
            for (var step = 0; step < 20; step++)
            {
                var writer = Publication(random.Next(3), random.Next(4), $"10.0.0.{random.Next(1, 4)}", rev: random.Next(2));
                // Some decide on a snapshot from before: the zone refuses it, as Apply does here.
                if (DnsPublishPolicy.Decide(writer, zone) is not TargetPlan<DnsChange>.Write publish) continue;
                zone = zone.After(publish.Change);
                Assert.True(writer.State.Token >= highest);
                highest = writer.State.Token;
            }
        }
    }

    private static void Refused(string code, DnsSnapshot zone) =>
        Assert.Equal(code, Assert.IsType<PublishOutcome.Refused>(Outcome(Mine, zone)).Code);
}
