using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>A fact that needs a <see cref="SmallDisk"/>; skipped, visibly, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Reason = new(() =>
    {
        if (!Environment.IsPrivilegedProcess) return "a disk that is full needs root, to mount one";
        try
        {
            new SmallDisk(megabytes: 1).Dispose();
            return null;
        }
        catch (InvalidOperationException e)
        {
            return "no small disk can be mounted here: " + e.Message;
        }
    });

    public SmallDiskFactAttribute() => Skip = Reason.Value;
}
