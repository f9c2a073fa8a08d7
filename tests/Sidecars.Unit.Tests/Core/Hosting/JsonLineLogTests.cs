using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Hosting;

namespace Sidecars.Unit.Tests.Core.Hosting;

/// <summary>Lines of both formats, and what they do with content that others wrote.</summary>
public sealed class JsonLineLogTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 10, 0, 0, 250, TimeSpan.Zero);

    private readonly MemoryStream _output = new();

    [Fact]
    public void A_line_of_text_is_time_level_component_event_message_and_fields()
    {
        Log(isText: true).Warning(
            "done", "2 of 3 Sentinels name another master", LogField.Of("loop", "fence"), LogField.Of("why", "two words"),
            LogField.Of("waiting_for", ""), LogField.Of("ms", 1.5), LogField.Of("is", true),
            LogField.Json("snapshot", "{}"));
        Assert.Equal(
            "2026-11-30T10:00:00.250Z warning test done 2 of 3 Sentinels name another master loop=fence why=\"two words\" ms=1.5 is=true\n",
            Written);
    }

    [Theory]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("\r\u001b[2J", "\\u000d\\u001b[2J")]
    [InlineData("\u202e\u2028\u0085", "\\u202e\\u2028\\u0085")]
    public void Nothing_that_a_server_says_ends_a_line_of_text_or_drives_a_terminal(string text, string shown)
    {
        Log(isText: true).Info("e", text, LogField.Of("f", text));
        Assert.Equal($"2026-11-30T10:00:00.250Z info test e {shown} f={shown}\n", Written);
    }

    [Fact]
    public void Whatever_is_logged_is_one_line_of_bounded_size()
    {
        var texts = ArbMap.Default.ArbFor<string>().Generator.Select(text => text ?? "");
        var cases = (from message in texts
                     from field in texts
                     from times in Gen.Elements(1, 5000)
                     from isText in Gen.Elements(true, false)
                     select (message, field, times, isText)).ToArbitrary();
        Prop.ForAll(cases, one =>
        {
            _output.SetLength(0);
            Log(one.isText).Info("e", string.Concat(Enumerable.Repeat(one.message, one.times)),
                LogField.Of("f", string.Concat(Enumerable.Repeat(one.field, one.times))));
            var written = Written;
            Assert.Equal(written.Length - 1, written.IndexOf('\n', StringComparison.Ordinal));
            Assert.InRange(written.Length, 1, 200 + (2 * 6 * 8200)); // each character at most as \uXXXX
            if (!one.isText) JsonDocument.Parse(written).Dispose();
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_decision_is_a_short_line_and_its_snapshot_is_not_asked_for_where_nothing_keeps_it()
    {
        Log(isText: false)
            .Decision(LogLevel.Info, "why", () => throw new InvalidOperationException("nobody keeps it"), LogField.Of("code", "c"));
        Assert.Equal(
            """{"ts":"2026-11-30T10:00:00.250Z","level":"info","component":"test","event":"decision","message":"why","code":"c"}""" + "\n",
            Written);
    }

    private string Written => Encoding.UTF8.GetString(_output.ToArray());

    private JsonLineLog Log(bool isText) => new(line => _output.Write(line), "test", new Stopped(), LogLevel.Info, isText);

    private sealed class Stopped : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
