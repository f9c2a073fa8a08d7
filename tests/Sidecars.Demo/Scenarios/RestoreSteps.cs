using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.Core.Redis;
using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Scenarios;

/// <summary>A mistake of an application, undone from the backup: to the second before it.</summary>
internal static class RestoreSteps
{
    private const string Key = "demo:precious";
    private const string Value = "kept";
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShippedWithin = TimeSpan.FromSeconds(60); // a new uploader, and its first base, on a busy machine
    private static readonly TimeSpan RestoredWithin = TimeSpan.FromSeconds(60); // tens of megabytes

    /// <summary>Deletes a key, and restores the second before beside the running group.</summary>
    public static Task RestoreToASecondAsync(Stage stage, LocalTenant tenant) =>
        stage.AsideAsync("a key is deleted; restore to the second before", () => UndoAsync(stage, tenant));

    // What was acknowledged before, and the restored server lacks.
    private static async Task<long> UndoAsync(Stage stage, LocalTenant tenant)
    {
        var master = LossSteps.Master(stage);
        await using var client = await stage.Group.ConnectAsync(master, ClientTimeout, stage.Cancellation);
        await ExpectAsync(client, "OK", "SET", Key, Value);
        var written = TimeProvider.System.GetTimestamp();
        // A replica, whose file is shipped, dates a write by its own clock when it arrives: a whole second lies between.
        await NextSecondAsync(client, stage.Cancellation);
        var second = await NextSecondAsync(client, stage.Cancellation);
        await ExpectAsync(client, "1", "DEL", Key);
        var moment = DateTimeOffset.FromUnixTimeSeconds(second).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        stage.Display.Result($"{Key} was deleted after {moment}");
        await tenant.ShippedAsync(ShippedWithin, stage.Cancellation);

        using var folder = new TempFolder("demo-restored");
        var target = folder.Folder("data");
        await RestoreAsync(tenant, moment, target);
        await using var scratch = await RedisProcess.StartAsync(folder, FreePort.Next(), $"dir {target}", "appendonly yes");
        await using var restored = await RedisClient.ConnectAsync(
            new TcpTransport(scratch.Endpoint), new RedisClientOptions { CommandTimeout = ClientTimeout }, stage.Cancellation);
        await ExpectAsync(restored, Value, "GET", Key);
        var keys = (await restored.CallAsync(stage.Cancellation, "DBSIZE")).Integer;
        stage.Display.Result(FormattableString.Invariant($"restored to {moment}: {keys} keys, {Key} is \"{Value}\" again"));
        return Math.Max(0, await stage.Writers.MissingOfBeforeAsync(scratch.Endpoint, written, stage.Cancellation) - stage.Lost);
    }

    private static async Task RestoreAsync(LocalTenant tenant, string moment, string target)
    {
        var environment = tenant.SidecarsOf(tenant.Group.Redis[0]).BackupEnvironment;
        await using var restore = await ServerProcess.StartAsync(
            new ServerStart(LocalSidecars.Backup, "restore", "--to", moment, "--target", target) { Environment = environment });
        if (await restore.WaitForExitAsync(RestoredWithin) != ExitCode.Ok)
            throw new InvalidOperationException($"redis-backup restore --to {moment} failed\n{restore.Tail(5)}");
    }

    // By the server's clock; the second that has ended.
    private static async Task<long> NextSecondAsync(RedisClient client, CancellationToken cancellation)
    {
        var now = await SecondAsync();
        await Eventually.UntilAsync("the server's next second", async () => await SecondAsync() > now, cancellation: cancellation);
        return now;

        async Task<long> SecondAsync() =>
            long.Parse((await client.CallAsync(cancellation, "TIME")).Items[0].Text, CultureInfo.InvariantCulture);
    }

    private static async Task ExpectAsync(RedisClient client, string expected, params string[] command)
    {
        var reply = await client.CallAsync(default, command);
        var text = reply.Text is { Length: > 0 } said ? said : reply.Integer.ToString(CultureInfo.InvariantCulture);
        if (text != expected) throw new InvalidOperationException($"{string.Join(' ', command)} was answered by {text}, not {expected}");
    }
}
