using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>
/// <c>&lt;data&gt;/.sidecar/given-up.json</c>: the server of these data was about to be replaced by another one, of the coordinator's
/// choice, in an epoch that the coordinator had won. While the file is there, the server accepts no writes on the word of that epoch or an
/// earlier one: the other one may have taken some. A file of its own and not a field of the marker, which the sidecar rewrites every
/// second.
/// </summary>
/// <param name="Target">The other server's address in the group.</param>
/// <param name="TargetRunId">Its process.</param>
/// <param name="Epoch">The epoch that was won.</param>
public sealed record GivingUp(RedisEndpoint Target, string TargetRunId, long Epoch)
{
    /// <summary>File name, in <see cref="MarkerStore.DirectoryName"/>.</summary>
    public const string FileName = "given-up.json";

    private const int MaxBytes = 1024; // three members: an address of 300 bytes, a run id, a number

    /// <summary>Returns the path of the note.</summary>
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, MarkerStore.DirectoryName, FileName);

    /// <summary>Reads it: known, absent, or unreadable with the reason.</summary>
    public static DiskFact<GivingUp> Read(string dataDirectory) =>
        new DiskFiles().ReadAll(PathIn(dataDirectory), MaxBytes).Then(bytes => Parse(bytes));

    /// <summary>Writes it durably: it must outlast a host that loses power. Returns null where it is written, else why not.</summary>
    public string? TryWrite(string dataDirectory)
    {
        try
        {
            Directory.CreateDirectory(Path.Combine(dataDirectory, MarkerStore.DirectoryName));
            AtomicFile.Write(PathIn(dataDirectory), JsonText.Object(json =>
            {
                json.WriteString("target", Target.ToString());
                json.WriteString("target_run_id", TargetRunId);
                json.WriteNumber("epoch", Epoch);
            }));
            return null;
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return e.Message;
        }
    }

    /// <summary>Removes it; not durable, since it only ever says too much. Returns null where it is gone, else why not.</summary>
    public static string? TryRemove(string dataDirectory)
    {
        try
        {
            if (Directory.Exists(Path.Combine(dataDirectory, MarkerStore.DirectoryName))) File.Delete(PathIn(dataDirectory));
            return null;
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return e.Message;
        }
    }

    private static DiskFact<GivingUp> Parse(ReadOnlySpan<byte> bytes)
    {
        if (!JsonFacts.TryParse(bytes, out var root, out var fault)) return DiskFact<GivingUp>.Unreadable(fault);
        var read = new GivingUp(LineageJson.Address(root, "target"), root.Text("target_run_id", 64), root.Integer("epoch"));
        return root.Fault is { } wrong ? DiskFact<GivingUp>.Unreadable(wrong) : DiskFact<GivingUp>.Known(read);
    }
}
