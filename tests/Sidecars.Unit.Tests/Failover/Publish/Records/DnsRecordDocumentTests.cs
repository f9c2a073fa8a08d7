using FsCheck;
using FsCheck.Fluent;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Unit.Tests.Failover.Publish.Records;

public sealed class DnsRecordDocumentTests
{
    private const string Text = "v=1;cluster=tenant/redis;term=3;epoch=14;rev=0;addr=10.0.0.7";

    [Fact]
    public void One_state_has_one_text()
    {
        var state = DnsFacts.State(3, 14, "10.0.0.7");
        Assert.Equal($"\"{Text}\"", DnsRecordDocument.Write(state));
        Assert.True(DnsRecordDocument.TryParse($"\"{Text}\"", out var read, out _));
        Assert.Equal(state, read);
    }

    [Theory]
    [InlineData("10.0.0.7", "A", "10.0.0.7")]
    [InlineData("2001:DB8::0:1", "AAAA", "2001:db8::1")]
    [InlineData("Redis-0.Example.org.", "CNAME", "redis-0.example.org")]
    public void Addresses_and_names_are_targets(string text, string type, string value)
    {
        Assert.True(DnsTarget.TryParse(text, out var target));
        Assert.Equal((type, value), (target.Type, target.Value));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.1")]
    [InlineData("010.0.0.7")]
    [InlineData("10.0.0.256")]
    [InlineData("fe80::1%1")]
    [InlineData("a..b")]
    [InlineData("-a.b")]
    [InlineData("a b")]
    [InlineData("a;b")]
    [InlineData("é.example.org")]
    [InlineData(".")]
    public void Other_texts_are_none(string text) => Assert.False(DnsTarget.TryParse(text, out _));

    [Fact]
    public void A_long_state_is_written_in_several_strings_and_read_back()
    {
        var name = string.Join('.', Enumerable.Repeat(new string('n', 60), 4));
        var state = DnsFacts.State(long.MaxValue, long.MaxValue, name, new string('c', 128), long.MaxValue);
        var value = DnsRecordDocument.Write(state);
        Assert.True(value.Length <= DnsRecordDocument.MaxLength);
        Assert.All(value.Split('"').Where(part => part.Length > 1), part => Assert.True(part.Length <= 255));
        Assert.True(DnsRecordDocument.TryParse(value, out var read, out _));
        Assert.Equal(state, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Text)]
    [InlineData("\"\"")]
    [InlineData($"\"{Text};\"")]
    [InlineData($"\" {Text}\"")]
    [InlineData($"\"{Text}\"x")]
    [InlineData($"\"{Text}\" ")]
    [InlineData("\"v=1;cluster=tenant/redis;epoch=14;term=3;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=03;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=-3;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=3.4;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=3\\000;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=99999999999999999999;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=a/b/c;term=3;epoch=14;rev=0;addr=10.0.0.7\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=3;epoch=14;rev=0;addr=10.0.0.7.\"")]
    [InlineData("\"v=1;cluster=tenant/redis;term=3;epoch=14;rev=0;addr=HOST.example.org\"")]
    [InlineData("\"heritage=external-dns,external-dns/owner=default\"")]
    public void Whatever_else_is_there_is_none_of_ours(string value)
    {
        Assert.False(DnsRecordDocument.TryParse(value, out _, out var isNewer));
        Assert.False(isNewer);
    }

    [Fact]
    public void A_later_version_is_told_from_a_stranger()
    {
        Assert.False(DnsRecordDocument.TryParse("\"v=2;cluster=tenant/redis;lamport=9\"", out _, out var isNewer));
        Assert.True(isNewer);
        foreach (var stranger in new[] { "\"v=spf1 -all\"", "\"v=0\"", "\"v=\"", "\"v=1\"" })
        {
            Assert.False(DnsRecordDocument.TryParse(stranger, out _, out isNewer));
            Assert.False(isNewer);
        }
    }

    [Fact]
    public void No_bytes_make_it_throw()
    {
        Prop.ForAll<string, byte>((text, at) =>
        {
            var value = $"\"{Text}\"";
            _ = DnsRecordDocument.TryParse(text ?? "", out _, out _);
            _ = DnsRecordDocument.TryParse(value.Insert(at % value.Length, text ?? ""), out var read, out _);
            return read is null || DnsRecordDocument.Write(read) == value.Insert(at % value.Length, text ?? "");
        }).QuickCheckThrowOnFailure();
    }
}
