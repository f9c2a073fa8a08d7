namespace Sidecars.Failover.Publish.Targets.Route53;

/// <summary>Where the API is, and how long a call may take.</summary>
public sealed record Route53Settings
{
    /// <summary>The hosted zone, <c>Z…</c>; private and public ones alike.</summary>
    public required string HostedZoneId { get; init; }

    /// <summary>The API; another one for tests and private endpoints.</summary>
    public Uri Endpoint { get; init; } = new("https://route53.amazonaws.com/");

    /// <summary>For a whole call; the API answers a change within a second, under load within several.</summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For the connection alone.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Returns true for the form of an id: 1..32 capital letters and digits.</summary>
    public static bool IsZoneId(string text) =>
        text.Length is > 0 and <= 32 && text.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c));
}
