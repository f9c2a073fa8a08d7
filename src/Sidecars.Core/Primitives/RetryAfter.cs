using System.Net.Http.Headers;

namespace Sidecars.Core.Primitives;

/// <summary>What an HTTP server asks to wait: <c>Retry-After</c>, in seconds or as a date.</summary>
public static class RetryAfter
{
    /// <summary>Longest wait that a server may ask for: the API server sends 1 s, and a Lease is renewed each 30 s.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromMinutes(1);

    /// <summary>The wait, bounded; null: none, or none that is left.</summary>
    /// <param name="value">The header; null: there is none.</param>
    /// <param name="sent">
    /// The answer's <c>Date</c>: a date is counted from the sender's own clock. Null: unknown, and a date says nothing.
    /// </param>
    public static TimeSpan? Read(RetryConditionHeaderValue? value, DateTimeOffset? sent) => Bound(value?.Delta ?? (value?.Date - sent));

    /// <summary>Reads the wait from the headers' text.</summary>
    public static TimeSpan? Read(string? value, string? sent) => RetryConditionHeaderValue.TryParse(value, out var after)
        ? Read(after, RetryConditionHeaderValue.TryParse(sent, out var date) ? date.Date : null)
        : null;

    /// <summary>A wait that was asked for otherwise, bounded alike.</summary>
    public static TimeSpan? Bound(TimeSpan? asked) => asked is not { Ticks: > 0 } wait ? null : wait > Most ? Most : wait;
}
