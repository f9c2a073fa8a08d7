using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Route53;

/// <summary>One page of a list of record sets, and where the next begins.</summary>
/// <param name="Sets">In the API's order: by name with its labels reversed, then by type.</param>
/// <param name="NextName">Lower case, without the last dot; null: this was the last page.</param>
/// <param name="NextType">Type of the next set.</param>
/// <param name="NextIdentifier">Its set identifier; null for a plain one.</param>
public sealed record Route53Page(ImmutableArray<DnsRecordSet> Sets, string? NextName, string? NextType, string? NextIdentifier);

/// <summary>A change as the API sees it.</summary>
/// <param name="Id"><c>C…</c>.</param>
/// <param name="IsInSync">True once all of its name servers have it.</param>
public sealed record Route53Change(string Id, bool IsInSync);

/// <summary>An error of the API.</summary>
/// <param name="Code">As named by the API; "" where the body is none of its own.</param>
/// <param name="Message">In its words, cut to 500 characters.</param>
public sealed record Route53Error(string Code, string Message);

/// <summary>
/// XML of the API, version 2013-04-01: https://docs.aws.amazon.com/Route53/latest/APIReference/. Nothing here throws on bad input.
/// </summary>
public static class Route53Document
{
    /// <summary>The namespace of all elements.</summary>
    public const string Namespace = "https://route53.amazonaws.com/doc/2013-04-01/";

    private const int MaxCharacters = 4 << 20; // 300 sets a page, of some hundred bytes
    private static readonly XNamespace Api = Namespace;

    /// <summary>Writes a batch of deletions, then creations.</summary>
    public static byte[] WriteChange(DnsChange change)
    {
        var document = new XElement(Api + "ChangeResourceRecordSetsRequest", new XElement(Api + "ChangeBatch", new XElement(Api + "Changes",
            change.Deletes.Select(set => Change("DELETE", set)).Concat(change.Creates.Select(set => Change("CREATE", set))))));
        using var stream = new MemoryStream();
        // Without the byte order mark that Save would begin with: no other client of the API sends one.
        using (var writer = XmlWriter.Create(
            stream, new XmlWriterSettings { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) }))
            document.Save(writer);
        return stream.ToArray();
    }

    /// <summary>Reads a page of ListResourceRecordSets.</summary>
    public static bool TryReadPage(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out Route53Page? page)
    {
        page = null;
        if (!TryLoad(body, "ListResourceRecordSetsResponse", out var root) || root.Element(Api + "ResourceRecordSets") is not { } list)
            return false;
        var sets = ImmutableArray.CreateBuilder<DnsRecordSet>();
        foreach (var element in list.Elements(Api + "ResourceRecordSet"))
        {
            if (ReadSet(element) is not { } set) return false;
            sets.Add(set);
        }

        var isTruncated = Text(root, "IsTruncated");
        var next = Text(root, "NextRecordName");
        // Truncated without a next one would be a part taken for the whole.
        if (isTruncated is not ("true" or "false") || isTruncated == "true" != next is not null) return false;
        page = new Route53Page(sets.ToImmutable(), next is null ? null : DnsName.Normalize(next), Text(root, "NextRecordType"),
            Text(root, "NextRecordIdentifier"));
        return true;
    }

    /// <summary>Parses the reply to ChangeResourceRecordSets and GetChange.</summary>
    public static bool TryReadChange(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out Route53Change? change)
    {
        change = null;
        if (!TryLoad(body, null, out var root) || root.Element(Api + "ChangeInfo") is not { } info) return false;
        if (Text(info, "Id") is not { Length: > 0 } id || Text(info, "Status") is not ("PENDING" or "INSYNC")) return false;
        id = id[(id.LastIndexOf('/') + 1)..];
        if (!id.All(char.IsAsciiLetterOrDigit)) return false; // it becomes part of a path
        change = new Route53Change(id, Text(info, "Status") == "INSYNC");
        return true;
    }

    /// <summary>Reads either form: <c>ErrorResponse</c>, and the older <c>InvalidChangeBatch</c> with its list of messages.</summary>
    public static Route53Error ReadError(ReadOnlyMemory<byte> body)
    {
        if (!TryLoad(body, null, out var root)) return new Route53Error("", "");
        var error = root.Elements().FirstOrDefault(element => element.Name.LocalName == "Error");
        var code =
            error is null ? root.Name.LocalName : error.Elements().FirstOrDefault(element => element.Name.LocalName == "Code")?.Value ?? "";
        var message = string.Join(
            " ", (error ?? root).Descendants().Where(element => element.Name.LocalName == "Message").Select(element => element.Value));
        return new Route53Error(code.Length > 64 ? "" : code, message.Length > 500 ? message[..500] : message);
    }

    private static XElement Change(string action, DnsRecordSet set) => new(Api + "Change",
        new XElement(Api + "Action", action),
        new XElement(Api + "ResourceRecordSet",
            new XElement(Api + "Name", set.Name),
            new XElement(Api + "Type", set.Type),
            new XElement(Api + "TTL", set.TtlSeconds.ToString(CultureInfo.InvariantCulture)),
            new XElement(Api + "ResourceRecords",
                set.Values.Select(value => new XElement(Api + "ResourceRecord", new XElement(Api + "Value", value))))));

    private static DnsRecordSet? ReadSet(XElement element)
    {
        if (Text(element, "Name") is not { Length: > 0 } name || Text(element, "Type") is not { Length: > 0 } type) return null;
        var special = Special(element);
        long ttl = 0;
        if (Text(element, "TTL") is { } text
            ? !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ttl)
            : special.Length == 0)
            return null;
        return new DnsRecordSet
        {
            Name = DnsName.Normalize(name),
            Type = type,
            TtlSeconds = ttl,
            Values =
                [.. element.Element(Api + "ResourceRecords")?.Elements(Api + "ResourceRecord").Select(record => Text(record, "Value") ?? "")
                    ?? []],
            Special = special,
        };
    }

    private static string Special(XElement element)
    {
        if (element.Element(Api + "AliasTarget") is not null) return "an alias";
        if (Text(element, "SetIdentifier") is { } identifier)
            return $"one of several (set identifier '{identifier}': weighted, regional, failover or the like)";
        if (Text(element, "HealthCheckId") is not null) return "bound to a health check";
        return Text(element, "TrafficPolicyInstanceId") is not null ? "made by a traffic policy" : "";
    }

    private static string? Text(XElement parent, string name) => parent.Element(Api + name)?.Value;

    private static bool TryLoad(ReadOnlyMemory<byte> body, string? name, [NotNullWhen(true)] out XElement? root)
    {
        root = null;
        try
        {
            using var stream = new MemoryStream(body.ToArray(), writable: false);
            using var reader = XmlReader.Create(stream, new XmlReaderSettings
            { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxCharacters });
            root = XElement.Load(reader);
            return name is null || root.Name == Api + name;
        }
        catch (XmlException)
        {
            return false;
        }
    }
}
