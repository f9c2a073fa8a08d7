using Sidecars.Demo.Output;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo;

/// <summary>
/// What a scenario plays on: the group, the writers, the watch for two masters, and the steps, each of which is measured
/// and followed by a look for every acknowledged write.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    // Far above what any step takes on a slow machine (7 s for a kill, 2 elections of Sentinel at worst).
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly DemoOptions _options;
    private readonly List<StepFigures> _steps = [];
    private MasterMonitor? _monitor;
    private double _firstWrite;
    private long _lost;

    public Stage(DemoOptions options, LocalGroup group, IDisplay display, CancellationToken cancellation)
    {
        (_options, Group, Display, Cancellation) = (options, group, display, cancellation);
        Watch = new GroupWatch(group);
        Load = WriteLoad.Start(new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName)
        {
            Writers = options.Writers,
            WritesPerSecond = options.Rate,
            Client = options.Client,
            Transport = group.Options.Pods is { } pods ? pods.Network.Hosts[^1].Namespace.Transport : group.Options.Transport,
        });
        Display.Attach(this);
    }

    public LocalGroup Group { get; }

    public GroupWatch Watch { get; }

    public WriteLoad Load { get; }

    public IDisplay Display { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Writers started when the stage was built; now the nodes do, all at once, with empty disks.</summary>
    public async Task StartFromNothingAsync()
    {
        Display.Title($"{Group.Redis.Length} Redis and {Group.Sentinels.Length} Sentinels start at once, with empty disks");
        var started = TimeProvider.System.GetTimestamp();
        _monitor = MasterMonitor.Start(Group);
        await Group.StartAsync(cancellation: Cancellation);
        var whole = Watch.WaitForAsync("a whole group", state => state.Problem is null, Deadline, Cancellation);
        await await Task.WhenAny(Load.Acks.First.WaitAsync(Cancellation), whole);
        await Load.Acks.First.WaitAsync(Deadline, Cancellation);
        _firstWrite = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        Display.Result($"first acknowledged write after {_firstWrite:0.00} s");
        await whole;
        Display.Result($"group whole after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.00} s");
    }

    /// <summary>Why a killed master's last writes may be lost: Redis acknowledges before it replicates.</summary>
    public const string NotReplicated = "not yet replicated when the process was killed";

    /// <summary>Does something to the group and waits until it has recovered and clients write again.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="act">Does it.</param>
    /// <param name="recovered">What a recovered group looks like; default: whole.</param>
    /// <param name="mayLose">Why the last writes may be lost; null: none may.</param>
    public async Task StepAsync(string title, Func<Task> act, Func<GroupState, bool>? recovered = null, string? mayLose = null)
    {
        Display.Title(title);
        var mark = Load.Acks.Mark();
        var started = TimeProvider.System.GetTimestamp();
        await act();
        var state = await Watch.WaitForAsync($"recovery after: {title}", recovered ?? (s => s.Problem is null), Deadline, Cancellation);
        var atRecovery = mark.Count;
        await Watch.WaitForAsync($"writes after: {title}", _ => mark.Count > atRecovery, Deadline, Cancellation);
        var healed = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        var gap = mark.LongestGap.TotalSeconds;

        var check = await Load.CheckAsync(state.Master!.Node.Endpoint, Cancellation);
        var lost = Math.Max(0, check.MissingCount - _lost);
        _lost = Math.Max(_lost, check.MissingCount);
        _steps.Add(new StepFigures
        {
            Step = title,
            HealedSeconds = Math.Round(healed, 2),
            LongestGapSeconds = Math.Round(gap, 3),
            AcknowledgedWrites = mark.Count,
            LostWrites = lost,
            MayLose = mayLose,
        });
        var text = $"healed after {healed:0.0} s, longest gap {gap:0.00} s, {lost} of {check.Checked} acknowledged writes lost";
        if (lost == 0) Display.Result(text);
        else Display.Alarm(text + (mayLose is not null ? $" ({mayLose})" : $": {string.Join(", ", check.Missing.Take(5))} …"));
    }

    /// <summary>Ends the writers and sums up.</summary>
    public async Task<Figures> FinishAsync()
    {
        await Load.StopAsync();
        if (_monitor is not null) await _monitor.DisposeAsync();
        return new Figures
        {
            Scenario = _options.Scenario,
            RedisNodes = Group.Redis.Length,
            Sentinels = Group.Sentinels.Length,
            Writers = _options.Writers,
            FirstWriteSeconds = Math.Round(_firstWrite, 3),
            Steps = _steps,
            AcknowledgedWrites = Load.Acks.Count,
            LostWrites = _lost,
            RefusedWrites = Load.Refused,
            UnansweredWrites = Load.Unknown,
            TwoMastersAccepted = _monitor?.Findings.Length ?? 0,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Display.DisposeAsync();
        if (_monitor is not null) await _monitor.DisposeAsync();
        await Load.DisposeAsync();
        await Watch.DisposeAsync();
    }
}
