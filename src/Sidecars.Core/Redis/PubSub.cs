using System.Text;

namespace Sidecars.Core.Redis;

/// <summary>
/// Tells what answers a command from what the server sends unasked. RESP2 marks messages by their first item only, RESP3 by the push type.
/// </summary>
internal static class PubSub
{
    /// <summary>
    /// Replies of one command: a confirmation for each channel of a (un)subscribe, else 1. Without channels UNSUBSCRIBE is taken as 1.
    /// </summary>
    public static int RepliesTo(RespCommand command) =>
        IsSubscription(command.Name) ? Math.Max(1, command.Words.Count - 1) : 1;

    /// <summary>Returns true for SUBSCRIBE and its relatives, by upper-case name.</summary>
    public static bool IsSubscription(string name) =>
        name is "SUBSCRIBE" or "PSUBSCRIBE" or "SSUBSCRIBE" or "UNSUBSCRIBE" or "PUNSUBSCRIBE" or "SUNSUBSCRIBE";

    /// <summary>True where the value does not answer a command of that name.</summary>
    public static bool IsUnasked(RespValue value, string name, bool subscribed)
    {
        if (value.Kind == RespKind.Push) return !(IsSubscription(name) && FirstIs(value, name));
        return subscribed && value.Kind == RespKind.Array
            && (FirstIs(value, "message") || FirstIs(value, "pmessage") || FirstIs(value, "smessage"));
    }

    private static bool FirstIs(RespValue value, string word) =>
        value.Items.Count > 1 && Ascii.EqualsIgnoreCase(value.Items[0].Bytes.Span, word);
}
