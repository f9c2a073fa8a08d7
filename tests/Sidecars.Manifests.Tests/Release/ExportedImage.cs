using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>
/// A small OCI layout as <c>scripts/images --export</c> writes one: a layer with executables that are an ELF header and no more.
/// </summary>
internal sealed class ExportedImage(string layout)
{
    private string Blobs => Path.Combine(layout, "blobs", "sha256");

    /// <param name="folder">Where NAME-PLATFORM and its SBOM go.</param>
    /// <param name="name">redis or sentinel.</param>
    /// <param name="platform">What the image says that it is of.</param>
    /// <param name="revision">The commit that it says it was built from.</param>
    /// <param name="machine">What the executables are of: e_machine of their ELF headers.</param>
    public static void Write(string folder, string name, string platform, string revision, int machine)
    {
        var image = new ExportedImage(Path.Combine(folder, $"{name}-{platform}"));
        Directory.CreateDirectory(image.Blobs);
        WriteSbom(folder, name, platform, ("dotnet-runtime", "10.0.0", "FRAMEWORK"), ($"libc6:{platform}", "2.36-9", "LIBRARY"));
        var layer = image.Put(Layer(name, machine));
        var config = image.Put(Encoding.UTF8.GetBytes($$"""
            {"architecture":"{{platform}}","os":"linux","config":{"Labels":{"org.opencontainers.image.revision":"{{revision}}",
            "org.opencontainers.image.version":"{{Versions.Tree}}"} },"rootfs":{"type":"layers","diff_ids":[]} }
            """));
        var manifest = image.Put(Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",{{config}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",{{layer}}}]}
            """));
        File.WriteAllText(Path.Combine(image.Blobs, "../../oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
        File.WriteAllText(Path.Combine(image.Blobs, "../../index.json"), $$"""
            {"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",{{manifest}}}]}
            """);
    }

    /// <summary>The SBOM of an image, a package a line as <c>scripts/images</c> writes it.</summary>
    public static void WriteSbom(
        string folder, string name, string platform, params (string Name, string Version, string Purpose)[] packages)
    {
        var lines = packages.Select(one =>
            $"    {{\"name\": \"{one.Name}\", \"versionInfo\": \"{one.Version}\", \"primaryPackagePurpose\": \"{one.Purpose}\"}}");
        File.WriteAllText(Path.Combine(folder, $"{name}-{platform}.spdx.json"), $$"""
            {
              "name": "{{name}}",
              "packages": [
            {{string.Join(",\n", lines)}}
              ]
            }

            """);
    }

    private string Put(byte[] content)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        File.WriteAllBytes(Path.Combine(Blobs, hash), content);
        return string.Create(CultureInfo.InvariantCulture, $"\"digest\":\"sha256:{hash}\",\"size\":{content.Length}");
    }

    private static byte[] Layer(string name, int machine)
    {
        using var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Optimal))
        using (var tar = new TarWriter(zip))
            foreach (var executable in (string[])["redis-bootstrap", "redis-probe", .. name == "redis" ? ["redis-sidecars"] : (string[])[]])
                tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, $"usr/local/bin/{executable}")
                { DataStream = new MemoryStream(Header(machine)), ModificationTime = DateTimeOffset.UnixEpoch });
        return bytes.ToArray();
    }

    private static byte[] Header(int machine)
    {
        var header = new byte[64];
        "\u007fELF"u8.CopyTo(header);
        BitConverter.TryWriteBytes(header.AsSpan(18), (ushort)machine);
        return header;
    }
}
