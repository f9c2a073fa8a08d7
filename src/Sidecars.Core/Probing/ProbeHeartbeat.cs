using System.Text.Json;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Probing;

/// <summary>
/// What a probe needs of <see cref="HeartbeatDocument"/>: two fields, taken without a document tree, which would be a tenth of
/// the executable. A fresh file whose content is torn or of a later version still says that somebody waits.
/// </summary>
internal sealed class ProbeHeartbeat(string reason, string waitingFor)
{
    public string Reason => reason;

    public string WaitingFor => waitingFor;

    /// <summary>Null where there is no fresh one.</summary>
    public static ProbeHeartbeat? ReadFresh(string path, TimeProvider time)
    {
        if (!HeartbeatFile.IsFresh(path, HeartbeatFile.MaxAge, time)) return null;
        try
        {
            return Parse(BoundedFile.Read(path, HeartbeatDocument.MaxBytes));
        }
        catch (IOException)
        {
            return null; // removed just now: it no longer waits
        }
    }

    internal static ProbeHeartbeat Parse(ReadOnlySpan<byte> bytes)
    {
        var reason = "for a reason that can't be read";
        var waitingFor = "";
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1) continue;
                if (reader.ValueTextEquals("reason"u8))
                {
                    if (reader.Read() && reader.TokenType == JsonTokenType.String) reason = reader.GetString()!;
                }
                else if (reader.ValueTextEquals("waiting_for"u8) && reader.Read())
                {
                    while (reader.TokenType == JsonTokenType.StartArray || reader.TokenType == JsonTokenType.String)
                    {
                        if (reader.TokenType == JsonTokenType.String) waitingFor += (waitingFor.Length == 0 ? "" : ", ") + reader.GetString();
                        if (!reader.Read()) break;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // What was read so far is what there is.
        }

        return new ProbeHeartbeat(reason, waitingFor);
    }
}
