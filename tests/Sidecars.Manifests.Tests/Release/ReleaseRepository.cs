using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>A repository of one commit with what scripts/release reads, and exports of its images for both platforms.</summary>
public sealed class ReleaseRepository : IDisposable
{
    /// <summary>e_machine of ELF for x86-64 and AArch64.</summary>
    public const int Amd64 = 62, Arm64 = 183;

    private const string Dotnet = """
        #!/bin/sh
        # What "dotnet run" would build is beside the test.
        while [ "$1" != -- ]; do shift; done
        shift
        exec "$REAL_DOTNET" "$CHART" "$@"
        """;

    // A registry that holds what was sent to it, or $CALLS.standing under every name; what is asked is not recorded, what is sent is. It
    // takes nothing of a name that is in $CALLS.refuses.
    private const string Skopeo = """
        #!/bin/sh
        held() { printf %s "$CALLS.registry/${1#docker://}" | sed 's/:\([^/:]*\)$/@\1/'; }
        if [ "$1" = inspect ]; then
            [ ! -e "$CALLS.says" ] || { cat "$CALLS.says" >&2; exit 1; }
            [ ! -e "$CALLS.standing" ] || exec cat "$CALLS.standing"
            cat "$(held "$3")" 2>/dev/null || { echo "reading manifest: manifest unknown" >&2; exit 1; }
            exit
        fi
        echo "$*" >>"$CALLS"
        for word; do from=$to to=$word; done
        case $to in *"$(cat "$CALLS.refuses" 2>/dev/null || echo nothing)"*) echo "connection reset" >&2; exit 1 ;; esac
        case $from in
            oci-archive:*)
                file=$(held "$to") archive=${from#oci-archive:}
                mkdir -p "${file%/*}"
                digest=$(tar -xOf "$archive" index.json | sed 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/')
                tar -xOf "$archive" "blobs/sha256/$digest" >"$file"
                ;;
        esac

        """;

    private readonly TempFolder _folder = new("release");

    public string Root => _folder.File("repository");

    public string Exports => _folder.Folder("exports");

    public string Commit { get; private set; } = "";

    public string[] Calls => System.IO.File.Exists(File("calls")) ? System.IO.File.ReadAllLines(File("calls")) : [];

    public static async Task<ReleaseRepository> CreateAsync()
    {
        var made = new ReleaseRepository();
        Directory.CreateDirectory(made.Root);
        string[] parts = ["manifests", "scripts", "Directory.Build.props", ".gitignore"];
        await RunAsync("cp", ["-r", .. parts.Select(part => Path.Combine(Repository.Root, part)), made.Root]);
        foreach (var (name, text) in new[] { ("dotnet", Dotnet), ("skopeo", Skopeo) })
            await RunAsync("chmod", ["+x", made._folder.Write($"bin/{name}", text)]);
        await made.GitAsync("init", "--quiet", "--initial-branch", "main");
        await made.CommitAsync("one");
        return made;
    }

    public async Task CommitAsync(string message)
    {
        await GitAsync("add", ".");
        await GitAsync("commit", "--quiet", "--allow-empty", "--message", message);
        Commit = (await GitAsync("rev-parse", "HEAD")).Trim();
        foreach (var name in (string[])["redis", "sentinel"])
        {
            ExportedImage.Write(Exports, name, "amd64", Commit, Amd64);
            ExportedImage.Write(Exports, name, "arm64", Commit, Arm64);
        }
    }

    public string File(string name) => _folder.File(name);

    public Task<string> GitAsync(params string[] arguments) => RunAsync("git", [
        "-C", Root, "-c", "user.name=somebody", "-c", "user.email=somebody@example.org", .. arguments]);

    /// <summary>scripts/release with these arguments.</summary>
    public Task<ToolResult> ReleaseAsync(params string[] arguments) =>
        Tool.RunAsync(Path.Combine(Root, "scripts", "release"), arguments, Variables("calls"));

    /// <summary>What a person types in a folder of a release; returns what skopeo was told to send.</summary>
    public async Task<string[]> SentByLinesAsync(string lines, string folder)
    {
        var result = await Tool.RunAsync("bash", ["-euc", lines], Variables("lines"), File(folder));
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return await System.IO.File.ReadAllLinesAsync(File("lines"));
    }

    /// <summary>The release of this version from the exports into a folder that is not there yet.</summary>
    public Task<ToolResult> MakeAsync(string folder, params string[] more) =>
        ReleaseAsync([Versions.Tree, "--registry", "registry.example:5000/team", "--images", Exports, "--out", File(folder), .. more]);

    /// <summary>A private key in PEM.</summary>
    public async Task<string> KeyAsync(params string[] algorithm)
    {
        var file = File($"{string.Concat(algorithm)}.pem".Replace(':', '-'));
        await RunAsync("openssl", ["genpkey", "-algorithm", .. algorithm, "-out", file]);
        return file;
    }

    public static async Task<string> RunAsync(string command, params string[] arguments)
    {
        var result = await Tool.RunAsync(command, arguments);
        Assert.True(result.ExitCode == 0, $"{command}: {result.Output}{result.Error}");
        return result.Output;
    }

    public void Dispose() => _folder.Dispose();

    private Dictionary<string, string> Variables(string calls) => new()
    {
        ["PATH"] = $"{_folder.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}",
        ["REAL_DOTNET"] = Tool.Find("dotnet") ?? "",
        ["CHART"] = Path.Combine(AppContext.BaseDirectory, "sidecars-chart.dll"),
        ["CALLS"] = File(calls),
    };
}
