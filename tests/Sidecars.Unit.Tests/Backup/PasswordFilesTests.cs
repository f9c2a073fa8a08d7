using System.Text;
using Sidecars.Backup.Options;
using Sidecars.Core.Hosting;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>The files of the uploader's password, which is rotated under it.</summary>
[Collection(QuietDays.Name)]
public sealed class PasswordFilesTests(ITestOutputHelper output)
{
    private const string Path = "/secrets/sidecar";

    private string? _password = "first";
    private int _reads;

    [Fact]
    [QuietDayOf(typeof(PasswordFiles))]
    public async Task After_a_quiet_day_a_new_password_is_used_from_the_next_look_on_and_an_unreadable_one_is_told_once()
    {
        var time = new VirtualTime();
        using var lines = new MemoryStream();
        var variables = new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = "tenant/shop",
            ["BACKUP_STORE"] = "/backups",
            ["SIDECAR_PASSWORD_FILE"] = Path,
        };
        var options = BackupOptions.Read(new SettingReader(variables, Read))!;
        using var stop = new CancellationTokenSource();
        var watching = Task.Run(() => PasswordFiles.WatchAsync(options, new JsonLineLog(lines, "test", time), time, stop.Token));
        await OnThreadAsync(() =>
        {
            bool IsIdle() => time.Sleepers == 1;
            time.Settle(IsIdle);
            var before = _reads;
            QuietDay.Pass(time, IsIdle, output);
            Assert.Equal(24 * 3600 / 2, _reads - before);
            Assert.Equal(0, lines.Length);

            _password = null;
            time.Run(TimeSpan.FromMinutes(1), IsIdle);
            Assert.Equal(["first"], options.Credentials.Select(c => c.Password));
            _password = "second";
            time.Run(TimeSpan.FromSeconds(2), IsIdle);
            Assert.Equal(["second"], options.Credentials.Select(c => c.Password));
        });
        Assert.Equal(2, Encoding.UTF8.GetString(lines.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        await stop.CancelAsync();
        await watching;
    }

    // There is no other file: no rotation goes on.
    private byte[] Read(string path, int maxBytes)
    {
        if (path != Path) throw new FileNotFoundException("no such file", path);
        _reads++;
        return Encoding.UTF8.GetBytes(_password ?? throw new IOException("it is being replaced"));
    }
}
