using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Output;

/// <summary>For a file or a pipe: a line for each step, each change of a node's state, and every two seconds the writers.</summary>
internal sealed class LineDisplay(TextWriter output, Paint paint) : IDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WritersInterval = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<LocalNode, string> _shown = [];
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private Task _watching = Task.CompletedTask;
    private Stage? _stage;
    private LocalNode? _published;

    public void Attach(Stage stage)
    {
        _stage = stage;
        _watching = Task.Run(WatchAsync);
    }

    public void Title(string text) => Print(paint.Strong(text));

    public void Result(string text) => Print("  " + paint.Good(text));

    public void Alarm(string text) => Print("  " + paint.Bad(text));

    public async ValueTask DisposeAsync()
    {
        if (_stage is null) return;
        await _stop.CancelAsync();
        await _watching;
        _stage = null;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        var shownAt = TimeProvider.System.GetTimestamp();
        while (!_stop.IsCancellationRequested)
        {
            if (_stage!.Watch.Last is { } state) Changes(state);
            if (TimeProvider.System.GetElapsedTime(shownAt) >= WritersInterval)
            {
                shownAt = TimeProvider.System.GetTimestamp();
                var gap = _stage.Writers.Sentinel.Acks.CurrentGap.TotalSeconds;
                Print(FormattableString.Invariant(
                    $"    {StateTable.Count(_stage.Writers.Acknowledged)} writes acknowledged, gap {gap:0.00} s"));
            }

            await Task.Delay(Interval, TimeProvider.System, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private void Changes(GroupState state)
    {
        foreach (var node in state.Redis) Change(node.Node, StateTable.Words(node, _stage!.Group));
        foreach (var sentinel in state.Sentinels) Change(sentinel.Node, StateTable.Words(sentinel, _stage!.Group));
        if (_stage!.Tenant?.Record.Node() is { } named && named != _published)
        {
            _published = named;
            Print($"    {"record",-12}names {named.Name}");
        }
    }

    private void Change(LocalNode node, string words)
    {
        if (node.Process is null || (words == "down" && node.Running)) return; // seen before it was started
        if (_shown.TryGetValue(node, out var before) && before == words) return;
        _shown[node] = words;
        Print($"    {node.Name,-12}{words}");
    }

    private void Print(string line)
    {
        lock (_gate)
        {
            output.WriteLine($"{TimeProvider.System.GetElapsedTime(_started).TotalSeconds,6:0.0} s {line}");
            output.Flush();
        }
    }
}
