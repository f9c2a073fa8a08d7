using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using Sidecars.Aws;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Options;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;
using Sidecars.Backup.Upload;
using Sidecars.Backup.Verify;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Telemetry;

namespace Sidecars.Backup;

/// <summary>The commands, and what each of them is made of.</summary>
internal sealed class BackupCommands
{
    public const string ExitCodes =
        "Exit codes: 0 done (run: drained after SIGTERM or SIGINT), 1 failed, refused or\ndamaged (the last line says why), "
        + "2 wrong setting or argument; of the others,\n130 after SIGINT, 143 after SIGTERM.";

    private const string NothingKept = "DURABILITY=none: the group keeps nothing on disk, so there is nothing to back up";

    // Beside the drain of the tail, which bounds itself: a request that is under way, the lease given back.
    private static readonly TimeSpan DrainMargin = TimeSpan.FromSeconds(10);

    // A base of a large dataset, and the upload before it.
    private static readonly TimeSpan NowPatience = TimeSpan.FromHours(1), LongestPatience = TimeSpan.FromDays(7);

    private readonly BackupOptions? _options;
    private readonly SettingReader _settings;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly SignalScope _signals;
    private readonly RotatingCredentials _credentials = RotatingCredentials.Default(TimeProvider.System, Random.Shared.NextDouble);
    private const string Json = "json";
    private const int MostNames = 10; // of other tenants: enough to see a mistyped one
    private readonly Option<string> _form =
        new("--output") { Description = "table or json", DefaultValueFactory = _ => "table", Recursive = true };

    public BackupCommands(BackupOptions? options, SettingReader settings, TextWriter output, TextWriter error, SignalScope signals)
    {
        (_options, _settings, _output, _error, _signals) = (options, settings, output, error, signals);
        _form.CompletionSources.Add("table", Json);
        _form.Validators.Add(given =>
        {
            if (CommandMistakes.OneOf("--output", given.GetValueOrDefault<string>(), "table", Json) is { } why) given.AddError(why);
        });
        Root = new RootCommand("redis-backup ships a Redis' append-only file as it grows, and restores it to any second.")
        { _form, Run(), Now(), List(), Show(), Restore(), Verify(), Prune() };
        Root.Add(CompletionCommand.Create("redis-backup", () => Root, output));
    }

    public RootCommand Root { get; }

    /// <summary>Wraps the parser's own part of <c>--help</c>.</summary>
    /// <param name="width">Columns of the terminal.</param>
    public void WrapHelp(int width)
    {
        foreach (var option in Root.Options)
            if (option is HelpOption { Action: HelpAction help }) help.MaxWidth = width;
    }

    /// <summary>Lists the settings that a command reads, for its <c>--help</c>; for the root, all of them.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="width">Columns of the terminal.</param>
    public string SettingsHelp(string command, int width)
    {
        // Log, passwords and connections are those of the Redis beside the process, which the others never ask.
        bool IsRead(SettingDescription setting) => (command, setting.Section) switch
        {
            ("completion", _) => false,
            ("run", BackupOptions.RestoreSection) => false,
            ("run", _) => true,
            ("now", BackupOptions.RunSection or BackupOptions.RestoreSection or SettingSections.Log) => false,
            ("now", _) => true,
            ("list" or "prune", BackupOptions.StoreSection or SettingSections.Group or BackupOptions.RetentionSection) => true,
            ("show", BackupOptions.StoreSection or SettingSections.Group) => true,
            ("restore" or "verify", BackupOptions.StoreSection or SettingSections.Group or SettingSections.Files
                or BackupOptions.RestoreSection) => true,
            ("list" or "prune" or "show" or "restore" or "verify", _) => false,
            _ => true,
        };
        var text = SettingHelp.Of(_settings.Settings.Where(IsRead), width);
        return text.Length == 0 ? "" : $"Settings (environment):\n{text}\n";
    }

    private Command Run()
    {
        var command = new Command("run", "The sidecar: ships the tail every second and bases on a schedule, until SIGTERM.");
        command.SetAction((_, _) => BesideRedisAsync(async (options, store) =>
        {
            using var lines = QueuedLog.OnStandardOutput("redis-backup", options.LogLevel, options.LogFormat);
            var log = lines.Log;
            foreach (var remark in _settings.Remarks) log.Warning("setting", remark);
            log.Info("started", $"backups of {options.Cluster} go to {store.Objects.Description}");
            _credentials.LogTo(log);
            var loop = Loop(options, store, log);
            var metrics = new UploaderMetrics(loop.Counters, TimeProvider.System,
                typeof(BackupCommands).Assembly.GetName().Version?.ToString() ?? "", _credentials, lines);
            List<Func<CancellationToken, Task>> loops =
                [loop.RunAsync, ct => PasswordFiles.WatchAsync(options, log, TimeProvider.System, ct)];
            if (options.TelemetryPort != 0)
                loops.Add(new TelemetryServer(
                    options.TelemetryPort, metrics.Shown, metrics.Health, log, TimeProvider.System, Random.Shared).RunAsync);
            await SidecarHost.RunAsync(options.Uploader.DrainLimit + DrainMargin, _signals.Token, [.. loops]).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command Now()
    {
        var patience = new Option<TimeSpan?>("--wait")
        {
            Description = "for the uploader of another node, or for a server that refuses a snapshot; "
                + $"default {DurationText.Of(NowPatience)}",
            CustomParser = result =>
            {
                var text = result.Tokens is [var token] ? token.Value : "";
                if (CommandMistakes.Duration("--wait", text, TimeSpan.Zero, LongestPatience, out var wait) is { } why) result.AddError(why);
                return wait;
            },
        };
        var command =
            new Command("now", "Takes a backup now: by the sidecar that uploads, or, where none does, from this node.") { patience };
        command.SetAction((parsed, _) => BesideRedisAsync(async (options, store) =>
        {
            var log = new JsonLineLog(Stream.Null, "redis-backup", TimeProvider.System);
            using var progress = Progress();
            var id = await new NowCommand(store, Loop(options, store, log), options.Uploader, progress.Begin, TimeProvider.System)
                .RunAsync(parsed.GetValue(patience) ?? NowPatience, _signals.Token).ConfigureAwait(false);
            await ReportAsync(parsed, report => report.Done("backup", id)).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command List()
    {
        var command = new Command("list",
            "Lists the backups, who uploads, and what is missing of them: bases and segments by their names and lengths, one request "
            + "for every 1,000 of them and one or two a backup. What is in them only 'verify' and 'restore' read.");
        command.SetAction((parsed, _) => WithAsync(async (options, store) =>
        {
            var catalogue = await store.ReadCatalogueAsync(_signals.Token).ConfigureAwait(false);
            var review = await StoreReview.WalkAsync(
                store, catalogue, options.Retention, TimeProvider.System.GetUtcNow(), _signals.Token).ConfigureAwait(false);
            await ReportAsync(parsed, report => report.List(review)).ConfigureAwait(false);
            if (await NothingThereAsync(options, store, catalogue).ConfigureAwait(false) is { } nothing)
                return await RefuseAsync(nothing).ConfigureAwait(false);
            return review.Faults == 0
                ? ExitCode.Ok
                : await RefuseAsync($"{review.Faults} parts are missing or damaged: {review.Lines().First()}").ConfigureAwait(false);
        }));
        return command;
    }

    private Command Show()
    {
        var id = new Argument<string>("backup") { Description = "id, as 'list' shows it" };
        var command = new Command("show", "Shows one backup.") { id };
        command.SetAction((parsed, _) => WithAsync(async (_, store) =>
        {
            var catalogue = await store.ReadCatalogueAsync(_signals.Token).ConfigureAwait(false);
            var found = catalogue.Backups.FirstOrDefault(b => b.Id == parsed.GetValue(id));
            if (found is null) return await RefuseAsync($"no backup has the id {parsed.GetValue(id)}").ConfigureAwait(false);
            await ReportAsync(parsed, report => report.Show(found)).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command Restore()
    {
        var to = new Option<string>("--to")
        { Description = "latest, a time with zone (2026-11-21T10:00:00Z), or the id of a backup", DefaultValueFactory = _ => "latest" };
        var target = new Option<string?>("--target") { Description = "empty directory; default: DATA_DIR" };
        var dry = new Option<bool>("--dry-run") { Description = "say what would be fetched and reached, and change nothing" };
        var gap =
            new Option<bool>("--accept-gap") { Description = "with --to latest: where a segment is missing, restore what comes before it" };
        var copy = new Option<string?>("--new-cluster-id")
        {
            Description = "namespace/name of a new tenant that gets a copy: refused where the store holds anything of it. "
                + "CLUSTER_ID is the source, which is only read"
        };
        var command = new Command("restore",
            "Restores into an empty directory, from which redis-server --appendonly yes starts (with DURABILITY=rdb: one without AOF).")
        { to, target, dry, gap, copy };
        command.SetAction((parsed, _) => WithAsync(async (options, store) =>
        {
            if (RestoreTarget.Parse(parsed.GetValue(to)!) is not { } wanted)
            {
                await _error.WriteLineAsync($"--to is '{parsed.GetValue(to)}'; it must be latest, a time with zone (2026-11-21T10:00:00Z), "
                    + "or the id of a backup").ConfigureAwait(false);
                return ExitCode.WrongConfiguration;
            }

            var owner = options.Cluster;
            if (parsed.GetValue(copy) is { } name)
            {
                if (!ClusterId.TryParse(name, out var other) || !ObjectKey.IsPart(other.MasterName)
                    || other.MasterName == options.Cluster.MasterName)
                {
                    await _error.WriteLineAsync(
                        $"--new-cluster-id is '{name}'; it must be namespace/name of a tenant other than {options.Cluster}").ConfigureAwait(false);
                    return ExitCode.WrongConfiguration;
                }

                if (await store.Of(other).FirstObjectAsync(_signals.Token).ConfigureAwait(false) is { } found)
                    return await RefuseAsync($"{other} is not a new tenant: the store holds {found}").ConfigureAwait(false);
                owner = other;
            }

            var directory = parsed.GetValue(target) ?? options.DataDirectory;
            if (RestoreRunner.TargetProblem(directory, owner) is { } problem) return await RefuseAsync(problem).ConfigureAwait(false);
            var runner = new RestoreRunner(store, options.Layout, TimeProvider.System, options.Durability);
            var plan = await runner.PlanAsync(wanted, parsed.GetValue(gap), _signals.Token).ConfigureAwait(false);
            if (plan is RestorePlan.Refuse refuse) return await RefuseAsync(refuse.Reason).ConfigureAwait(false);
            var restore = (RestorePlan.Restore)plan;
            if (owner != options.Cluster)
                restore = restore with
                {
                    Notes = restore.Notes.Add(
                        $"a copy of {options.Cluster} for {owner}: start it with CLUSTER_ID={owner} and passwords of its own; "
                        + $"its backups go to {store.Of(owner).Layout.Root}")
                };
            string[] scratch = [options.ScratchDirectory, Path.Combine(directory, MarkerStore.DirectoryName)];
            var (server, unknown) = await TargetProbe.AskAsync(
                options.ServerBinary, scratch, TimeProvider.System, _signals.Token).ConfigureAwait(false);
            var format = FormatPolicy.Decide(restore.Backup.Manifest, server, unknown);
            if (format.Refusal is { } cannot) return await RefuseAsync(cannot).ConfigureAwait(false);
            if (format.Note is { } note) restore = restore with { Notes = restore.Notes.Add(note) };
            if (parsed.GetValue(dry))
            {
                RestoreRunner.CheckTarget(restore, directory, owner); // as the real one does first
            }
            else
            {
                using var progress = Progress();
                progress.Begin($"restoring {restore.Backup.Id}");
                await runner.RunAsync(restore, directory, progress, _signals.Token).ConfigureAwait(false);
            }

            await ReportAsync(parsed, report => report.Restored(restore, directory, parsed.GetValue(dry))).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command Verify()
    {
        var id = new Option<string?>("--backup") { Description = "id; default: the newest" };
        var command = new Command("verify", "Restores a backup into a scratch directory, has a redis-server load it, and compares; "
            + "then reads the tail up to the next backup.")
        { id };
        command.SetAction((parsed, _) => WithAsync(async (options, store) =>
        {
            using var progress = Progress();
            var outcome = await new VerifyRunner(store, options, progress, TimeProvider.System)
                .RunAsync(parsed.GetValue(id), _signals.Token).ConfigureAwait(false);
            if (outcome.Problem is { } problem) return await RefuseAsync(problem).ConfigureAwait(false);
            await ReportAsync(parsed, report => report.Verified(outcome.Id, outcome.Verification!)).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command Prune()
    {
        var dry = new Option<bool>("--dry-run") { Description = "say what would go and why, and change nothing" };
        var command = new Command("prune", "Deletes what the retention settings do not keep.") { dry };
        command.SetAction((parsed, _) => WithAsync(async (options, store) =>
        {
            using var progress = Progress();
            progress.Begin("looking for what the retention does not keep");
            var runner = new PruneRunner(
                store, deleted => progress.Begin(string.Create(CultureInfo.InvariantCulture, $"{deleted} objects deleted")));
            var report = await runner.RunAsync(
                options.Retention, TimeProvider.System.GetUtcNow(), parsed.GetValue(dry), _signals.Token).ConfigureAwait(false);
            await ReportAsync(parsed, writer => writer.Pruned(report, parsed.GetValue(dry))).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static UploaderLoop Loop(BackupOptions options, BackupStore store, JsonLineLog log)
    {
        IRespTransport transport = options.Tls is { } tls ? new TlsTransport(options.Redis, tls) : new TcpTransport(options.Redis);
        return new UploaderLoop(store, new AofDirectory(options.DataDirectory, options.Layout),
            new NodeFacts(transport, options.RedisClient), options.Uploader, log, TimeProvider.System, Random.Shared);
    }

    private async Task<int> WithAsync(Func<BackupOptions, BackupStore, Task<int>> action)
    {
        if (_options is not null)
            return await action(_options, new BackupStore(
                StoreOptions.Open(_options, _credentials), new BackupLayout(_options.Cluster), _options.Keys)).ConfigureAwait(false);
        foreach (var mistake in _settings.Errors) await _error.WriteLineAsync(mistake).ConfigureAwait(false);
        await _error.WriteLineAsync("'redis-backup --help' lists every setting.").ConfigureAwait(false);
        return ExitCode.WrongConfiguration;
    }

    // What reads the files of a running server.
    private Task<int> BesideRedisAsync(Func<BackupOptions, BackupStore, Task<int>> action) => WithAsync(async (options, store) =>
    {
        if (options.Durability == Durability.None) return await RefuseAsync(NothingKept).ConfigureAwait(false);
        if (Directory.Exists(options.DataDirectory)) return await action(options, store).ConfigureAwait(false);
        await _error.WriteLineAsync(GroupSettings.NoDataDirectory(options.DataDirectory)).ConfigureAwait(false);
        return ExitCode.WrongConfiguration;
    });

    private ProgressLines Progress() => new(_error, !Console.IsErrorRedirected, TimeProvider.System);

    // A wrong CLUSTER_ID or prefix looks like a tenant that has no backup yet: say whose backups are there.
    private async Task<string?> NothingThereAsync(BackupOptions options, BackupStore store, Catalogue catalogue)
    {
        if (!catalogue.Backups.IsEmpty || catalogue.Uploader is not null
            || await store.FirstObjectAsync(_signals.Token).ConfigureAwait(false) is not null)
            return null;
        var others = await store.Objects.ListFoldersAsync("", _signals.Token).ConfigureAwait(false);
        var found = others.Count == 0
            ? "nothing at all"
            : $"only {string.Join(", ", others.Take(MostNames))}{(others.Count > MostNames ? ", …" : "")}";
        return $"{store.Objects.Description} holds nothing of {options.Cluster} (CLUSTER_ID): there is {found}";
    }

    private async Task<int> RefuseAsync(string reason)
    {
        await _error.WriteLineAsync(reason).ConfigureAwait(false);
        return ExitCode.Failed;
    }

    private async Task ReportAsync(ParseResult parsed, Action<IReport> write)
    {
        var width = Console.IsOutputRedirected ? int.MaxValue : TerminalWidth.OfOutput;
        using (IReport report = parsed.GetValue(_form) == Json ? new JsonReport(_output) : new TableReport(_output, width)) write(report);
        await _output.FlushAsync().ConfigureAwait(false);
    }
}
