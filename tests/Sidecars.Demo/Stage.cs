using Sidecars.Demo.Output;
using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo;

/// <summary>
/// What a scenario plays on: the group, the writers, the watch for two masters, and the steps, each of which is measured
/// and followed by a look for every acknowledged write.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    /// <summary>Why a killed master's last writes may be lost: Redis acknowledges before it replicates.</summary>
    public const string NotReplicated = "not yet replicated when the process was killed";

    // Far above what any step takes on a slow machine (7 s for a kill, 2 elections of Sentinel at worst).
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly DemoOptions _options;
    private readonly List<StepFigures> _steps = [];
    private MasterMonitor? _monitor;
    private double _firstWrite;
    private double? _firstWriteSinceCall;

    /// <param name="options">The command line.</param>
    /// <param name="group">Whose writers start now.</param>
    /// <param name="tenant">The same group with the sidecars; null: it has none.</param>
    /// <param name="display">Shows it.</param>
    /// <param name="cancellation">Ends every wait.</param>
    public Stage(DemoOptions options, LocalGroup group, LocalTenant? tenant, IDisplay display, CancellationToken cancellation)
    {
        (_options, Group, Tenant, Display, Cancellation) = (options, group, tenant, display, cancellation);
        Watch = new GroupWatch(group);
        Writers = new StageWriters(options, group, tenant?.Record);
        Display.Attach(this);
    }

    public LocalGroup Group { get; }

    /// <summary>The group with the sidecars; null in a scenario without them.</summary>
    public LocalTenant? Tenant { get; }

    public GroupWatch Watch { get; }

    public StageWriters Writers { get; }

    public IDisplay Display { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Acknowledged writes that are lost so far.</summary>
    public long Lost { get; private set; }

    /// <summary>Writers started when the stage was built; now the nodes do, all at once, with empty disks.</summary>
    public async Task StartFromNothingAsync()
    {
        var sidecars = Tenant is null ? "" : ", redis-failover run and redis-backup run beside each Redis";
        Display.Title($"{Group.Redis.Length} Redis and {Group.Sentinels.Length} Sentinels start at once, with empty disks{sidecars}");
        var started = TimeProvider.System.GetTimestamp();
        _monitor = MasterMonitor.Start(Group);
        await (Tenant?.StartAsync(Cancellation) ?? Group.StartAsync(cancellation: Cancellation));
        var whole = Watch.WaitForAsync("a whole group", state => state.Problem is null, Deadline, Cancellation);
        var first = Writers.Sentinel.Acks.First;
        await await Task.WhenAny(first.WaitAsync(Cancellation), whole);
        await first.WaitAsync(Deadline, Cancellation);
        _firstWrite = Since(started);
        _firstWriteSinceCall = _options.SecondsSinceCall;
        var sinceCall = _firstWriteSinceCall is { } seconds ? Text($", {seconds:0.0} s after scripts/demo was called") : "";
        Display.Result(Text($"first acknowledged write after {_firstWrite:0.00} s{sinceCall}"));
        await whole;
        Display.Result(Text($"group whole after {Since(started):0.00} s"));
        if (Tenant is not null) await StartOfSidecarsAsync(Tenant, Writers.Record!, started);
    }

    /// <summary>Does something to the group and waits until it has recovered and clients write again.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="act">Does it.</param>
    /// <param name="recovered">What a recovered group looks like; default: whole.</param>
    /// <param name="mayLose">Why the last writes may be lost; null: none may.</param>
    public async Task StepAsync(string title, Func<Task> act, Func<GroupState, bool>? recovered = null, string? mayLose = null)
    {
        Display.Title(title);
        var (mark, started) = (Writers.Mark(), TimeProvider.System.GetTimestamp());
        await act();
        var state = await Watch.WaitForAsync($"recovery after: {title}", recovered ?? (s => s.Problem is null), Deadline, Cancellation);
        var atRecovery = mark.Counts;
        await Watch.WaitForAsync($"writes after: {title}", _ => mark.IsBeyond(atRecovery), Deadline, Cancellation);
        var step = Measured(title, mark, started);

        var check = await Writers.CheckAsync(state.Master!.Node.Endpoint, Cancellation);
        var lost = Math.Max(0, check.Missing - Lost);
        Lost = Math.Max(Lost, check.Missing);
        Add(step with { LostWrites = lost, MayLose = mayLose }, $"of {check.Checked} acknowledged writes", check.Examples);
    }

    /// <summary>Does something beside the group, which is to go on as if nothing were.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="act">Does it, and says how many acknowledged writes its result lacks.</param>
    public async Task AsideAsync(string title, Func<Task<long>> act)
    {
        Display.Title(title);
        var (mark, started) = (Writers.Mark(), TimeProvider.System.GetTimestamp());
        var lost = await act();
        Add(Measured(title, mark, started) with { LostWrites = lost }, "writes of before that second", []);
    }

    /// <summary>Ends the writers and sums up.</summary>
    public async Task<Figures> FinishAsync()
    {
        await Writers.StopAsync();
        if (_monitor is not null) await _monitor.DisposeAsync();
        return new Figures
        {
            Scenario = _options.Scenario,
            RedisNodes = Group.Redis.Length,
            Sentinels = Group.Sentinels.Length,
            Writers = _options.Writers,
            FirstWriteSeconds = Math.Round(_firstWrite, 3),
            FirstWriteSinceCallSeconds = _firstWriteSinceCall,
            Steps = _steps,
            AcknowledgedWrites = Writers.Acknowledged,
            LostWrites = Lost,
            RefusedWrites = Writers.Refused,
            UnansweredWrites = Writers.Unanswered,
            TwoMastersAccepted = _monitor?.Findings.Length ?? 0,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Display.DisposeAsync();
        if (_monitor is not null) await _monitor.DisposeAsync();
        await Writers.DisposeAsync();
        await Watch.DisposeAsync();
    }

    private async Task StartOfSidecarsAsync(LocalTenant tenant, WriteLoad followers, long started)
    {
        await followers.Acks.First.WaitAsync(Deadline, Cancellation);
        var after = Text($"after {Since(started):0.00} s");
        Display.Result($"{PublishedRecord.Name} names {tenant.Record.Node()}; clients that follow it write {after}");
        await tenant.ShippedAsync(Deadline, Cancellation);
        Display.Result(Text($"first backup, and a tail that follows, after {Since(started):0.00} s"));
    }

    private static StepFigures Measured(string title, WritersMark mark, long started) => new()
    {
        Step = title,
        HealedSeconds = Math.Round(Since(started), 2),
        LongestGapSeconds = Seconds(mark.Sentinel),
        RecordGapSeconds = mark.Record is { } record ? Seconds(record) : null,
        AcknowledgedWrites = mark.Count,
        LostWrites = 0,
        MayLose = null,
    };

    private void Add(StepFigures step, string of, IReadOnlyList<string> examples)
    {
        _steps.Add(step);
        var record = step.RecordGapSeconds is { } gap ? Text($" ({gap:0.00} s by the record)") : "";
        var gaps = Text($"healed after {step.HealedSeconds:0.0} s, longest gap {step.LongestGapSeconds:0.00} s{record}");
        var text = $"{gaps}, {step.LostWrites} {of} lost";
        if (step.LostWrites == 0) Display.Result(text);
        else if (step.MayLose is not null) Display.Alarm($"{text} ({step.MayLose})");
        else Display.Alarm(text + (examples.Count > 0 ? $": {string.Join(", ", examples)} …" : ""));
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static double Seconds(AckMark mark) => Math.Round(mark.LongestGap.TotalSeconds, 3);

    private static double Since(long started) => TimeProvider.System.GetElapsedTime(started).TotalSeconds;
}
