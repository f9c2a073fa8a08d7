namespace Sidecars.Probe.Policy;

/// <summary>The answer of a probe.</summary>
/// <param name="pass">Whether the probe succeeds.</param>
/// <param name="message">What was seen and why it decides so; one line, as kubelet shows it in events.</param>
public sealed class ProbeVerdict(bool pass, string message)
{
    /// <summary>Longest message in characters: kubelet cuts an event's message at 1024 bytes.</summary>
    public const int MaxLength = 500;

    /// <summary>Whether the probe succeeds.</summary>
    public bool Pass { get; } = pass;

    /// <summary>One line without control characters, whatever a server said, of at most <see cref="MaxLength"/> characters.</summary>
    public string Message { get; } = OneLine(message);

    private static string OneLine(string text)
    {
        var line = text.Length <= MaxLength ? text.ToCharArray() : [.. text.AsSpan(0, MaxLength - 1), '…'];
        for (var i = 0; i < line.Length; i++)
        {
            if (char.IsControl(line[i]) || line[i] is '\u2028' or '\u2029' or '\u202e') line[i] = '?';
        }

        return new string(line);
    }
}
