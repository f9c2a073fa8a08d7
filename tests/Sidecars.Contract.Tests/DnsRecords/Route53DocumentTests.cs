using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Failover.Publish.Targets.Route53;

namespace Sidecars.Contract.Tests.DnsRecords;

/// <summary>What comes from a socket, in every form but the right one.</summary>
public sealed class Route53DocumentTests
{
    private const string Page = $"""
        <?xml version="1.0"?>
        <ListResourceRecordSetsResponse xmlns="{Route53Document.Namespace}"><ResourceRecordSets>
        <ResourceRecordSet><Name>Redis.Example.ORG.</Name><Type>A</Type><TTL>5</TTL><ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord><ResourceRecord><Value>10.0.0.2</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
        </ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListResourceRecordSetsResponse>
        """;

    [Fact]
    public void A_page_is_read()
    {
        Assert.True(Route53Document.TryReadPage(Bytes(Page), out var page));
        Assert.Equal("redis.example.org 5 A 10.0.0.1 10.0.0.2", Assert.Single(page.Sets).ToString());
        Assert.Null(page.NextName);
    }

    [Theory]
    [InlineData("<IsTruncated>false</IsTruncated>", "")]
    [InlineData("<IsTruncated>false</IsTruncated>", "<IsTruncated>true</IsTruncated>")]
    [InlineData("<IsTruncated>false</IsTruncated>", "<IsTruncated>perhaps</IsTruncated>")]
    [InlineData("<TTL>5</TTL>", "")]
    [InlineData("<TTL>5</TTL>", "<TTL>-5</TTL>")]
    [InlineData("<TTL>5</TTL>", "<TTL>99999999999999999999</TTL>")]
    [InlineData("<Type>A</Type>", "")]
    [InlineData("doc/2013-04-01/", "doc/2099-01-01/")]
    [InlineData("</ListResourceRecordSetsResponse>", "")]
    [InlineData("<?xml version=\"1.0\"?>", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]>")]
    public void A_page_that_is_not_whole_is_none(string old, string changed) =>
        Assert.False(Route53Document.TryReadPage(Bytes(Page.Replace(old, changed, StringComparison.Ordinal)), out _));

    [Fact]
    public void A_change_id_cannot_lead_elsewhere()
    {
        static bool Read(string id) => Route53Document.TryReadChange(Bytes("<GetChangeResponse "
            + $"xmlns=\"{Route53Document.Namespace}\"><ChangeInfo><Id>{id}</Id><Status>PENDING</Status></ChangeInfo></GetChangeResponse>"),
            out _);
        Assert.True(Read("/change/C123ABC"));
        foreach (var id in new[] { "", "/change/..", "C1?x=y", "C%2f", "/change/C 1" }) Assert.False(Read(id), id);
    }

    [Theory]
    [InlineData("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        "Throttling", "Rate exceeded")]
    [InlineData("<InvalidChangeBatch><Messages><Message>a</Message><Message>b</Message></Messages></InvalidChangeBatch>",
        "InvalidChangeBatch", "a b")]
    [InlineData("<html><body>502</body></html>", "html", "")]
    [InlineData("Bad Gateway", "", "")]
    public void Errors_of_both_forms_and_of_none(string body, string code, string message) =>
        Assert.Equal(new Route53Error(code, message), Route53Document.ReadError(Bytes(body)));

    [Fact]
    public void No_bytes_make_it_throw() =>
        Prop.ForAll<byte[], ushort>((bytes, at) =>
        {
            var body = Bytes(Page);
            bytes ??= [];
            bytes.AsSpan(0, Math.Min(bytes.Length, body.Length - (at % body.Length))).CopyTo(body.AsSpan(at % body.Length));
            _ = Route53Document.TryReadPage(body, out _);
            _ = Route53Document.TryReadChange(bytes, out _);
            _ = Route53Document.ReadError(bytes);
        }).QuickCheckThrowOnFailure();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
