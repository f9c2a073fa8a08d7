using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class RespCommandTests
{
    [Fact]
    public void Is_an_array_of_bulk_strings_on_the_wire() =>
        Assert.Equal("*3\r\n$3\r\nset\r\n$2\r\n\u00c3\u00a9\r\n$0\r\n\r\n", Wire.Write(RespCommand.Of("set", "é", "")));

    [Fact]
    public void Carries_any_bytes() =>
        Assert.Equal(
            "*2\r\n$4\r\nECHO\r\n$5\r\n\u0000\r\n\u00ff$\r\n",
            Wire.Write(RespCommand.Of("ECHO"u8.ToArray(), new byte[] { 0, 13, 10, 255, (byte)'$' })));

    [Fact]
    public void Has_its_name_in_upper_case() => Assert.Equal("CONFIG", RespCommand.Of("config", "get", "dir").Name);

    [Fact]
    public void Needs_a_name()
    {
        Assert.Throws<ArgumentException>(() => RespCommand.Of(Array.Empty<string>()));
        Assert.Throws<ArgumentException>(() => RespCommand.Of("", "x"));
    }

    [Theory]
    [InlineData("AUTH SECRET")]
    [InlineData("auth user SECRET")]
    [InlineData("HELLO 3 AUTH user SECRET")]
    [InlineData("ACL SETUSER u on >SECRET")]
    [InlineData("acl setuser u >SECRET")]
    [InlineData("CONFIG SET masterauth SECRET")]
    [InlineData("config set maxmemory 1 requirepass SECRET")]
    [InlineData("SENTINEL SET m auth-pass SECRET")]
    [InlineData("sentinel set m auth-pass SECRET")]
    [InlineData("SENTINEL CONFIG SET sentinel-pass SECRET")]
    [InlineData("MIGRATE h 1 k 0 100 AUTH SECRET")]
    public void Never_shows_a_password(string line)
    {
        var command = RespCommand.Of(line.Split(' '));
        Assert.DoesNotContain("SECRET", command.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith(command.Name, command.ToString(), StringComparison.Ordinal);
        Assert.Contains("hidden", command.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CONFIG GET dir", "CONFIG GET dir")]
    [InlineData("sentinel get-master-addr-by-name m", "SENTINEL get-master-addr-by-name m")]
    [InlineData("PING", "PING")]
    [InlineData("SET k a\r\nb\u00e9", "SET k a..b..")]
    [InlineData("DEL 1 2 3 4 5 6 7 8 9", "DEL 1 2 3 4 5 6 7 …")]
    public void Shows_other_arguments_on_one_printable_line(string line, string shown) =>
        Assert.Equal(shown, RespCommand.Of(line.Split(' ')).ToString());

    [Fact]
    public void Shows_long_arguments_cut() =>
        Assert.Equal("GET " + new string('k', 64) + "…", RespCommand.Of("GET", new string('k', 65)).ToString());

    [Fact]
    public void A_credential_does_not_show_its_password()
    {
        Assert.DoesNotContain("SECRET", new RedisCredential("u", "SECRET").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", new RedisCredential(null, "SECRET").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "SECRET", new RedisClientOptions { Credentials = [new RedisCredential("u", "SECRET")] }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_describes_itself_in_bounded_text()
    {
        Assert.Equal("Array(BulkString:a, Integer:1, null, Map())", Wire.Read("*4\r\n$1\r\na\r\n:1\r\n_\r\n%0\r\n").ToString());
        var large = Wire.Read("*100000\r\n" + string.Concat(Enumerable.Repeat(":12345678\r\n", 100_000))).ToString();
        Assert.InRange(large.Length, 100, 300);
        Assert.InRange(Wire.Read("$1000000\r\n" + new string('x', 1_000_000) + "\r\n").ToString().Length, 100, 300);
    }

    [Theory]
    [InlineData("-NOAUTH Authentication required.\r\n", "NOAUTH")]
    [InlineData("-LOADING\r\n", "LOADING")]
    [InlineData("+OK fine\r\n", "")]
    public void An_error_has_a_code(string wire, string code) => Assert.Equal(code, Wire.Read(wire).ErrorCode);
}
