using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Archive;

/// <summary>
/// Who uploads: <c>uploader.json</c>, changed by compare-and-swap only. It fences by names, not by time: each holder has a session of its
/// own, which is in the names of its objects, and one that holds it no longer can only write what nobody reads.
/// </summary>
/// <param name="Holder">Node name; "" when released.</param>
/// <param name="Session">Raised by each acquisition, never lowered.</param>
/// <param name="Generation">The stream being written; 0 before the first. Equals the session that began it.</param>
/// <param name="Beat">Raised by each renewal, so that others see a change without comparing clocks.</param>
/// <param name="CoveredUntil">
/// All that the node wrote up to this time is in the store, by its clock: what a restore may claim while nothing is written.
/// </param>
public sealed record UploaderLease(string Holder, long Session, long Generation, long Beat, DateTimeOffset CoveredUntil)
{
    /// <summary>
    /// The node whose AOF the generation is; "" before the first. Only it may go on with it: two nodes' files can hold the same bytes in
    /// the same place without being the same file.
    /// </summary>
    public string Writer { get; init; } = "";

    /// <summary>
    /// How far the tail of <see cref="Generation"/> was in the store; null before its first segment, and where an older version wrote this.
    /// </summary>
    public ChainMark? Tip { get; init; }

    /// <summary><see cref="CoveredUntil"/>, or null before the first uploader has stored anything.</summary>
    public DateTimeOffset? Covered => CoveredUntil == DateTimeOffset.UnixEpoch ? null : CoveredUntil;

    /// <summary>Somebody (<c>now</c>) wants a base that is newer than this; null for none.</summary>
    public DateTimeOffset? BaseWanted { get; init; }
}

/// <summary>Lease ↔ <c>uploader.json</c>.</summary>
public static class UploaderLeaseDocument
{
    private const int Format = 1;

    /// <summary>Writes the document.</summary>
    public static byte[] Write(UploaderLease lease) => JsonDocuments.Write(json =>
    {
        json.WriteNumber("format", Format);
        if (lease.Holder.Length > 0) json.WriteString("holder", lease.Holder);
        json.WriteNumber("session", lease.Session);
        json.WriteNumber("generation", lease.Generation);
        if (lease.Writer.Length > 0) json.WriteString("writer", lease.Writer);
        json.WriteNumber("beat", lease.Beat);
        json.WriteNumber("covered_until_ms", lease.CoveredUntil.ToUnixTimeMilliseconds());
        if (lease.Tip is { } tip) JsonDocuments.WritePosition(json, "tip", tip.At, tip.Digest);
        if (lease.BaseWanted is { } wanted) json.WriteNumber("base_wanted_ms", wanted.ToUnixTimeMilliseconds());
    });

    /// <summary>Reads the document; never throws.</summary>
    public static DiskFact<UploaderLease> Read(ReadOnlySpan<byte> utf8)
    {
        if (!JsonFacts.TryParse(utf8, out var root, out var fault)) return DiskFact<UploaderLease>.Unreadable(fault);
        if (root.Integer("format") != Format) root.Wrong("format");
        var lease = new UploaderLease(
            root.OptionalText("holder", 253) ?? "", root.Integer("session"), root.Integer("generation"), root.Integer("beat"),
            JsonDocuments.ReadTime(root, "covered_until_ms"))
        {
            Writer = root.OptionalText("writer", 253) ?? "",
            Tip = root.OptionalObject("tip") is { } tip ? JsonDocuments.ReadMark(tip, root.Integer("generation")) : null,
            BaseWanted = root.OptionalInteger("base_wanted_ms") is null ? null : JsonDocuments.ReadTime(root, "base_wanted_ms"),
        };
        return root.Fault is { } wrong ? DiskFact<UploaderLease>.Unreadable(wrong) : DiskFact<UploaderLease>.Known(lease);
    }
}

/// <summary>What a drill found: <c>verified.json</c> beside the manifest.</summary>
/// <param name="VerifiedAt">When the drill ended.</param>
/// <param name="Keys">Keys in all databases after the restore.</param>
/// <param name="RestoreMilliseconds">From the first request to the last byte on disk.</param>
/// <param name="LoadMilliseconds">From the start of the server to its first answer.</param>
/// <param name="Sample">Digest over the values of a fixed sample of keys without expiry: the same at each drill of one backup.</param>
public sealed record Verification(DateTimeOffset VerifiedAt, long Keys, long RestoreMilliseconds, long LoadMilliseconds, string Sample);

/// <summary>Verification ↔ <c>verified.json</c>.</summary>
public static class VerificationDocument
{
    private const int Format = 1;

    /// <summary>Writes the document.</summary>
    public static byte[] Write(Verification verification) => JsonDocuments.Write(json =>
    {
        json.WriteNumber("format", Format);
        json.WriteNumber("verified_ms", verification.VerifiedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("keys", verification.Keys);
        json.WriteNumber("restore_ms", verification.RestoreMilliseconds);
        json.WriteNumber("load_ms", verification.LoadMilliseconds);
        if (verification.Sample.Length > 0) json.WriteString("sample", verification.Sample);
    });

    /// <summary>Reads the document; never throws.</summary>
    public static DiskFact<Verification> Read(ReadOnlySpan<byte> utf8)
    {
        if (!JsonFacts.TryParse(utf8, out var root, out var fault)) return DiskFact<Verification>.Unreadable(fault);
        if (root.Integer("format") != Format) root.Wrong("format");
        var verification = new Verification(
            JsonDocuments.ReadTime(root, "verified_ms"), root.Integer("keys"), root.Integer("restore_ms"), root.Integer("load_ms"),
            root.OptionalText("sample", 64) ?? "");
        return root.Fault is { } wrong ? DiskFact<Verification>.Unreadable(wrong) : DiskFact<Verification>.Known(verification);
    }
}
