using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class SettingReaderTests
{
    [Fact]
    public void Values_are_typed_and_defaults_stand_in_for_what_is_not_set_or_empty()
    {
        var reader = Reader(("COUNT", " 5 "), ("WAIT", "250ms"), ("ON", "Yes"), ("KIND", "RDB"), ("PEERS", "a:1, b a:1"), ("EMPTY", ""));
        Assert.Equal(5, reader.Integer("COUNT", 3, 1, 31, "d"));
        Assert.Equal(TimeSpan.FromMilliseconds(250), Wait(reader, "WAIT"));
        Assert.True(reader.Flag("ON", false, "d"));
        Assert.Equal(Durability.Rdb, reader.Choice("KIND", Durability.Aof, "d"));
        Assert.Equal([new RedisEndpoint("a", 1), new RedisEndpoint("b", 6379)], reader.Endpoints("PEERS", 6379, "d"));
        Assert.Equal("fallback", reader.Text("EMPTY", "fallback", "d"));
        Assert.Null(reader.OptionalInteger("ABSENT", 1, 2, "d"));
        Assert.Empty(reader.Errors);
    }

    [Fact]
    public void All_mistakes_are_collected_each_with_its_variable_its_value_and_what_is_right()
    {
        var reader = Reader(("COUNT", "99"), ("WAIT", "5s"), ("ON", "maybe"), ("KIND", "1"), ("PEERS", "a:1,b:0"),
            ("FORGED", "x\nERROR y"), ("UNKNOWN", "no mistake"));
        Assert.Equal(3, reader.Integer("COUNT", 3, 1, 31, "d"));
        Wait(reader, "WAIT");
        reader.Flag("ON", false, "d");
        reader.Choice("KIND", Durability.Aof, "d");
        reader.Endpoints("PEERS", 6379, "d");
        reader.Integer("FORGED", 1, 1, 2, "d");
        reader.RequiredText("NEEDED", "who it is for");
        Assert.Equal(
            [
                "COUNT is '99'; it must be a whole number, 1..31",
                "WAIT is '5s'; it must be a duration in whole milliseconds (250ms, 25s, 1h30m; a number alone counts milliseconds), 0s..1s",
                "ON is 'maybe'; it must be true or false",
                "KIND is '1'; it must be one of aof, rdb, none",
                "PEERS is 'b:0'; it must be host or host:port ([v6]:port)",
                "FORGED is 'x?ERROR y'; it must be a whole number, 1..2",
                "NEEDED is not set; it is required: who it is for",
            ],
            reader.Errors);
    }

    [Theory]
    [InlineData("tcp://10.96.10.1:6380")]
    [InlineData("tcp://[fd00::1]:6380")]
    [InlineData("udp://10.96.10.1:6380")]
    public void A_link_of_Kubernetes_or_Docker_is_no_setting_but_tells_the_port_of_others(string link)
    {
        var reader = Reader(("REDIS_PORT", link), ("PEERS_PORT", link));
        Assert.Equal(6379, reader.Port("REDIS_PORT", 6379, "d"));
        Assert.Equal(6380, reader.Port("PEERS_PORT", 26379, "d", isRemote: true));
        Assert.Empty(reader.Errors);
        var remark = Assert.Single(reader.Remarks);
        Assert.StartsWith($"REDIS_PORT={link} ", remark, StringComparison.Ordinal);
        Assert.Contains("6379 is used", remark, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp://10.96.10.1")]
    [InlineData("tcp://10.96.10.1:0")]
    [InlineData("tcp://10.96.10.1:65536")]
    [InlineData("http://10.96.10.1:80")]
    [InlineData("0")]
    [InlineData("65536")]
    public void What_is_neither_a_port_nor_a_link_is_a_mistake(string text)
    {
        var reader = Reader(("REDIS_PORT", text));
        Assert.Equal(6379, reader.Port("REDIS_PORT", 6379, "d"));
        Assert.Equal($"REDIS_PORT is '{text}'; it must be a whole number, 1..65535", Assert.Single(reader.Errors));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\n")]
    public void What_is_blank_is_not_set(string blank)
    {
        var reader = Reader(("A", blank), ("B_FILE", blank), ("A_PREVIOUS_FILE", blank));
        Assert.Equal(3, reader.Integer("A", 3, 1, 31, "d"));
        Assert.Equal(TimeSpan.FromMilliseconds(20), Wait(reader, "A"));
        Assert.Equal(6379, reader.Port("A", 6379, "d"));
        Assert.True(reader.Flag("A", true, "d"));
        Assert.Equal(Durability.Aof, reader.Choice("A", Durability.Aof, "d"));
        Assert.Empty(reader.Endpoints("A", 6379, "d"));
        Assert.Null(reader.OptionalEndpoint("A", 6379, "d"));
        Assert.Null(reader.OptionalText("A", "d"));
        Assert.Null(reader.OptionalFile("A", "d"));
        Assert.Null(reader.OptionalSecret("B", "d"));
        Assert.Null(reader.PreviousSecret("A"));
        Assert.Equal("/data", reader.Path("A", "/data", "d"));
        Assert.Empty(reader.Errors);
        Assert.Equal("", reader.RequiredText("A", "d"));
        Assert.Equal("A is not set; it is required: d", Assert.Single(reader.Errors));
    }

    [Fact]
    public void A_line_feed_behind_a_value_or_a_path_is_none_of_it()
    {
        var reader = Reader(("COUNT", "5\n"), ("KIND", "rdb\r\n"), ("DIR", "/data\n"), ("PASSWORD_FILE", "/secret\n"),
            ("OTHER_PREVIOUS_FILE", " /secret "));
        Assert.Equal((5, Durability.Rdb, "/data"),
            (reader.Integer("COUNT", 3, 1, 31, "d"), reader.Choice("KIND", Durability.Aof, "d"), reader.Path("DIR", "/", "d")));
        Assert.Equal("from file", reader.OptionalSecret("PASSWORD", "d")!.Value);
        Assert.Equal("from file", reader.PreviousSecret("OTHER")!.Value);
        Assert.Empty(reader.Errors);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    [InlineData("1e3")]
    [InlineData("0x10")]
    [InlineData("1_000")]
    [InlineData("1 000")]
    [InlineData("٣")]
    [InlineData("5.0")]
    public void A_number_is_whole_decimal_and_within_its_range(string text)
    {
        var reader = Reader(("A", text));
        Assert.Equal((3, null), (reader.Integer("A", 3, 1, 31, "d"), reader.OptionalInteger("A", 1, 31, "d")));
        Assert.Equal(6379, reader.Port("A", 6379, "d"));
        Assert.Equal(3, reader.Errors.Count);
        Assert.All(reader.Errors, error => Assert.StartsWith($"A is '{text}'; it must be a whole number", error, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_is_named_in_the_same_words_whatever_it_is_for()
    {
        var reader = new SettingReader(new Dictionary<string, string>
        {
            ["CA"] = "/no/such",
            ["PASSWORD_FILE"] = "/no/such",
            ["FOLDER"] = "/etc",
            ["SECRET_FILE"] = "/etc",
            ["OLD_PREVIOUS_FILE"] = "/etc"
        });
        reader.OptionalFile("CA", "d");
        reader.OptionalSecret("PASSWORD", "d");
        reader.OptionalFile("FOLDER", "d");
        reader.OptionalSecret("SECRET", "d");
        reader.PreviousSecret("OLD");
        Assert.Equal(["CA is '/no/such'; it must be an existing file", "PASSWORD_FILE is '/no/such'; it must be an existing file"],
            reader.Errors.Take(2));
        Assert.Equal(
            ["FOLDER is '/etc'; it must be a file that can be read: ", "SECRET_FILE is '/etc'; it must be a file that can be read: ",
                "OLD_PREVIOUS_FILE is '/etc'; it must be a file that can be read: "],
            reader.Errors.Skip(2).Select(error => error[..(error.IndexOf("read: ", StringComparison.Ordinal) + 6)]));
    }

    [Fact]
    public void A_secret_comes_from_its_variable_or_its_file_and_never_stands_in_a_mistake()
    {
        Assert.Equal("hush", Reader(("PASSWORD", "hush")).OptionalSecret("PASSWORD", "d")!.Value);
        Assert.Equal("from file", Reader(("PASSWORD_FILE", "/secret")).OptionalSecret("PASSWORD", "d")!.Value);
        foreach (var variables in ((string, string)[][])[[("PASSWORD", "hush"), ("PASSWORD_FILE", "/secret")], [("PASSWORD", "hush\nhush")],
            [("PASSWORD_FILE", "/bad")], [("PASSWORD_FILE", "/missing")]])
        {
            var reader = Reader(variables);
            Assert.Null(reader.OptionalSecret("PASSWORD", "d"));
            var error = Assert.Single(reader.Errors);
            Assert.StartsWith("PASSWORD", error, StringComparison.Ordinal);
            Assert.DoesNotContain("hush", error, StringComparison.Ordinal);
        }
    }

    private static TimeSpan Wait(SettingReader reader, string name) =>
        reader.Duration(name, name + "_MS", TimeSpan.FromMilliseconds(20), TimeSpan.Zero, TimeSpan.FromSeconds(1), "d");

    private static SettingReader Reader(params (string Name, string Value)[] variables) => new(
        variables.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal),
        (path, _) => path switch
        {
            "/secret" => Encoding.UTF8.GetBytes("from file\n"),
            "/bad" => Encoding.UTF8.GetBytes("hush\nhush\n"),
            _ => throw new IOException($"{path} is missing"),
        });
}
