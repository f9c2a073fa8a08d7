using System.Text.Json;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>One decision as redis-bootstrap logs it.</summary>
/// <param name="Kind">The decision's type: Wait, Follow, StartAsMaster …</param>
/// <param name="Code">Stable.</param>
/// <param name="Reason">In words.</param>
/// <param name="WaitingFor">What is waited for; "" where nothing is.</param>
internal sealed record LoggedDecision(string Kind, string Code, string Reason, string WaitingFor);

/// <summary>Reads redis-bootstrap's JSON lines out of a process's output, in which the server's own lines follow.</summary>
internal static class DecisionLog
{
    public static IReadOnlyList<LoggedDecision> Decisions(this ServerProcess process) =>
        [.. Events(process, "decision")
            .Select(e => new LoggedDecision(Text(e, "decision"), Text(e, "code"), Text(e, "message"), Text(e, "waiting_for")))];

    public static IReadOnlyList<string> Codes(this ServerProcess process) => [.. process.Decisions().Select(decision => decision.Code)];

    public static IReadOnlyList<JsonElement> Events(this ServerProcess process, string name) =>
        [.. process.Output.Where(line => line.StartsWith('{')).Select(Parse).Where(e => Text(e, "event") == name)];

    /// <summary>Waits for a decision that meets a condition, also among those already logged.</summary>
    public static async Task<LoggedDecision> WaitForDecisionAsync(
        this ServerProcess process, Func<LoggedDecision, bool> match, string what, TimeSpan? deadline = null)
    {
        LoggedDecision? found = null;
        await process.WaitUntilAsync(
            $"the decision {what}", () => Task.FromResult((found = process.Decisions().FirstOrDefault(match)) is not null), deadline);
        return found!;
    }

    public static Task<LoggedDecision> WaitForDecisionAsync(this ServerProcess process, string code, TimeSpan? deadline = null) =>
        process.WaitForDecisionAsync(decision => decision.Code == code, code, deadline);

    public static Task WaitForEventAsync(this ServerProcess process, string name, TimeSpan? deadline = null) =>
        process.WaitUntilAsync($"the event {name}", () => Task.FromResult(process.Events(name).Count > 0), deadline);

    // The log is one whole object a line; anything else that begins with a brace is a bug worth a failing test.
    private static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }

    private static string Text(JsonElement e, string name) => e.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
