using System.Text.Json;

namespace Sidecars.Demo;

/// <summary>What one step of a scenario did to the clients.</summary>
internal sealed record StepFigures
{
    public required string Step { get; init; }

    /// <summary>From the fault to a whole group with writes flowing.</summary>
    public required double HealedSeconds { get; init; }

    /// <summary>Longest time without an acknowledged write, of all writers that follow Sentinel together.</summary>
    public required double LongestGapSeconds { get; init; }

    /// <summary>The same of those that follow the published record; null: none is published.</summary>
    public double? RecordGapSeconds { get; init; }

    public required long AcknowledgedWrites { get; init; }

    /// <summary>Writes that were acknowledged and are missing since this step.</summary>
    public required long LostWrites { get; init; }

    /// <summary>Why the last writes may be lost; null: none may.</summary>
    public required string? MayLose { get; init; }
}

/// <summary>The result of a scenario; <c>--json</c> writes it as it is.</summary>
internal sealed record Figures
{
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Scenario { get; init; }

    public required int RedisNodes { get; init; }

    public required int Sentinels { get; init; }

    public required int Writers { get; init; }

    public required double FirstWriteSeconds { get; init; }

    /// <summary>Since scripts/demo was called, with its build; null: the program was called by itself.</summary>
    public double? FirstWriteSinceCallSeconds { get; init; }

    public required IReadOnlyList<StepFigures> Steps { get; init; }

    public required long AcknowledgedWrites { get; init; }

    public required long LostWrites { get; init; }

    public required long RefusedWrites { get; init; }

    public required long UnansweredWrites { get; init; }

    /// <summary>Proven moments at which two masters accepted writes.</summary>
    public required int TwoMastersAccepted { get; init; }

    /// <summary>What was broken, in sentences; empty: all held.</summary>
    public IReadOnlyList<string> Broken =>
    [
        .. Steps.Where(s => s.LostWrites > 0 && s.MayLose is null)
            .Select(s => $"{s.LostWrites} acknowledged writes lost by \"{s.Step}\", which must lose none"),
        .. TwoMastersAccepted > 0 ? (string[])[$"two masters accepted writes, {TwoMastersAccepted} times"] : [],
    ];

    public void Save(string file) => File.WriteAllText(file, JsonSerializer.Serialize(this, Json) + "\n");
}
