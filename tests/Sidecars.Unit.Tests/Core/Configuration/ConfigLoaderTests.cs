using Sidecars.Core.Configuration;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Configuration;

public sealed class ConfigLoaderTests : IDisposable
{
    private readonly TempFolder _folder = new("config");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Included_files_stand_in_the_place_of_their_include_in_order_of_their_names()
    {
        _folder.Write("d/20.conf", "port 20\n");
        _folder.Write("d/10.conf", "port 10\n");
        _folder.Write("d/.hidden.conf", "port 0\n");
        _folder.Write("d/readme.txt", "port 99\n");
        var path = _folder.Write(
            "redis.conf", $"port 1\ninclude {_folder.File("d", "*.conf")}\ninclude {_folder.File("none", "*.conf")}\nmaxmemory 5\n");
        Assert.Equal(["port 1", "port 10", "port 20", "maxmemory 5"],
            ConfigLoader.Load(path).Lines.Select(line => System.Text.Encoding.UTF8.GetString(line.Raw.Span)));
    }

    [Fact]
    public void What_cannot_be_loaded_whole_is_an_error_that_names_the_file()
    {
        var missing = _folder.Write("a.conf", "include /does/not/exist.conf\n");
        Assert.Contains(
            "/does/not/exist.conf", Assert.ThrowsAny<IOException>(() => ConfigLoader.Load(missing)).Message, StringComparison.Ordinal);
        var itself = _folder.Write("b.conf", $"include {_folder.File("b.conf")}\n");
        Assert.Contains("include itself", Assert.Throws<IOException>(() => ConfigLoader.Load(itself)).Message, StringComparison.Ordinal);
        var large = _folder.Write("c.conf", new string('#', ConfigLoader.MaxBytes + 1));
        Assert.Contains("c.conf", Assert.Throws<IOException>(() => ConfigLoader.Load(large)).Message, StringComparison.Ordinal);
        var pattern = _folder.Write("d.conf", "include /etc/*/redis.conf\n");
        Assert.Contains(
            "/etc/*/redis.conf", Assert.Throws<IOException>(() => ConfigLoader.Load(pattern)).Message, StringComparison.Ordinal);
    }
}
