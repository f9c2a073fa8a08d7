using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Hosting;

/// <summary>Decisions kept in a file: bounded, over restarts, and never in the way of the log.</summary>
public sealed class DecisionFileTests : IDisposable
{
    private readonly TempFolder _folder = new("decisions");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_newest_are_kept_in_two_files_of_bounded_size()
    {
        using (var file = new DecisionFile(_folder.Path, "test"))
            for (var i = 0; i < 5000; i++) file.Append(Line($"{i,6} {new string('x', 1000)}"));
        var files = new DirectoryInfo(_folder.Path).GetFiles();
        Assert.Equal(2, files.Length);
        Assert.All(files, file => Assert.InRange(file.Length, 1, DecisionFile.MaxBytes));
        var kept = (await ReadAsync()).Select(line => int.Parse(line[..6], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(Enumerable.Range(5000 - kept.Length, kept.Length), kept);
        Assert.InRange(kept.Length, DecisionFile.MaxBytes / 1010, 2 * DecisionFile.MaxBytes / 1000);
    }

    [Fact]
    public async Task A_later_process_adds_to_what_an_earlier_one_left_also_where_that_was_killed_in_a_line()
    {
        using (var file = new DecisionFile(_folder.Path, "test")) file.Append(Line("first"));
        await File.AppendAllTextAsync(_folder.File("test.decisions"), "torn");
        using (var file = new DecisionFile(_folder.Path, "test")) file.Append(Line("second"));
        Assert.Equal(["first", "torn", "second"], await ReadAsync());
    }

    [Fact]
    public async Task A_decision_larger_than_the_file_is_not_kept_and_costs_no_other()
    {
        var told = new List<string>();
        using var file = new DecisionFile(_folder.Path, "test") { Failed = told.Add };
        file.Append(Line("before"));
        Assert.Throws<IOException>(() => file.Append(new byte[DecisionFile.MaxBytes + 1]));
        file.Append(Line("after"));
        Assert.Equal(["before", "after"], await ReadAsync());
        Assert.Contains($"{DecisionFile.MaxBytes + 1} bytes", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_told_of_once_and_lines_go_on()
    {
        using var output = new MemoryStream();
        using (var log = new QueuedLog(
            output, "test", TimeProvider.System, LogLevel.Info, decisions: new DecisionFile(_folder.File("missing"), "test")))
        {
            for (var i = 0; i < 3; i++) log.Log.Decision(LogLevel.Info, "why", () => "{}", LogField.Of("code", $"c{i}"));
            await Eventually.UntilAsync("the warning", () => Text(output).Contains("decisions-not-kept", StringComparison.Ordinal));
            Assert.True(log.Drain());
        }

        var lines = Text(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Count(line => line.Contains("\"event\":\"decision\"", StringComparison.Ordinal)));
        Assert.Contains("CONFIG_DIR", Assert.Single(lines, line => line.Contains("decisions-not-kept", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_is_away_keeps_no_decision_from_the_file()
    {
        using var output = new BlockedStream();
        output.Block();
        using (var log = new QueuedLog(
            output, "test", TimeProvider.System, LogLevel.Info, decisions: new DecisionFile(_folder.Path, "test")))
        {
            log.Log.Decision(LogLevel.Warning, "why", () => """{"a":1}""", LogField.Of("code", "c"));
            await Eventually.UntilAsync("the decision in the file", async () => (await ReadAsync())
                .Any(line => line.EndsWith(""","message":"why","code":"c","snapshot":{"a":1}}""", StringComparison.Ordinal)));
            Assert.False(log.Drain());
            output.Open();
            Assert.True(log.Drain());
        }

        Assert.DoesNotContain("snapshot", output.Text(), StringComparison.Ordinal);
    }

    private static byte[] Line(string text) => Encoding.UTF8.GetBytes(text + "\n");

    private static string Text(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray());

    private async Task<List<string>> ReadAsync()
    {
        List<string> lines = [];
        await foreach (var line in DecisionFile.ReadAsync(_folder.Path, default)) lines.Add(line);
        return lines;
    }
}
