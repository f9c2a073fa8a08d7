using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Slots;

/// <summary>
/// The slot of this pod, as CONFIG_DIR remembers it over restarts of the container: <c>slot</c>, with pod UID and number. It
/// counts for the same UID only, so that a volume that outlives its pod does not bring an identity back.
/// </summary>
/// <param name="directory">CONFIG_DIR.</param>
internal sealed class SlotMemory(string directory)
{
    private const int MaxBytes = 128; // a UID of at most 64, a space, two digits

    private string PathOf => Path.Combine(directory, "slot");

    /// <summary>The slot; null where this pod had none.</summary>
    public int? Read(string podUid)
    {
        try
        {
            if (!File.Exists(PathOf)) return null;
            var words = Encoding.ASCII.GetString(BoundedFile.Read(PathOf, MaxBytes)).Trim().Split(' ');
            return words.Length == 2 && words[0] == podUid
                && words[1].All(char.IsAsciiDigit) && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var slot)
                && slot < SlotTable.MaxSlots
                    ? slot
                    : null;
        }
        catch (IOException)
        {
            return null; // a memory that can't be read is none: the table says whose the slot is
        }
    }

    /// <summary>Remembers it.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Write(string podUid, int slot) =>
        AtomicFile.Write(
            PathOf, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{podUid} {slot}\n")), durable: false);
}
