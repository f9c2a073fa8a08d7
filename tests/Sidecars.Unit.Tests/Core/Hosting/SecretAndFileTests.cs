using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

#pragma warning disable CA1416 // Linux only

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class SecretAndFileTests : IDisposable
{
    private readonly TempFolder _folder = new("files");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("abc\n", "abc")]
    [InlineData("abc\r\n", "abc")]
    [InlineData(" a b ", " a b ")]
    [InlineData("日本\t#'\"\\%", "日本\t#'\"\\%")]
    public void One_line_break_at_the_end_is_no_part_of_a_secret(string content, string value)
    {
        Assert.True(Secret.TryParse(Encoding.UTF8.GetBytes(content), out var secret, out _));
        Assert.Equal(value, secret.Value);
        Assert.DoesNotContain(value, secret.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("abc\n\n")]
    [InlineData("hush\nhush")]
    [InlineData("hush\rhush")]
    [InlineData("hush\0hush")]
    public void Secrets_that_some_place_cannot_carry_are_refused_without_being_shown(string content)
    {
        Assert.False(Secret.TryParse(Encoding.UTF8.GetBytes(content), out _, out var problem));
        Assert.NotEmpty(problem);
        Assert.DoesNotContain("hush", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_utf8_and_endless_secrets_are_refused()
    {
        Assert.False(Secret.TryParse([0x61, 0xff], out _, out _));
        Assert.False(Secret.TryParse(new byte[Secret.MaxBytes + 1].Select(_ => (byte)'a').ToArray(), out _, out _));
    }

    [Fact]
    public void A_file_is_replaced_with_its_mode_and_nothing_is_left_over()
    {
        var path = _folder.Write("conf", "old");
        AtomicFile.Write(path, "new"u8, AtomicFile.OwnerOnly);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_no_other()
    {
        var path = _folder.Folder("occupied"); // a directory cannot be replaced by a file
        Assert.ThrowsAny<Exception>(() => AtomicFile.Write(path, "new"u8));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
        Assert.ThrowsAny<IOException>(() => AtomicFile.Write(_folder.File("missing", "conf"), "new"u8));
    }

    [Fact]
    public async Task Readers_see_the_old_content_or_the_new_never_a_part()
    {
        var path = _folder.Write("state", new string('a', 100_000));
        using var done = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                var content = BoundedFile.Read(path, 100_000);
                Assert.Equal(100_000, content.Length);
                Assert.All(content, b => Assert.Equal(content[0], b));
            }
        });
        for (var i = 0; i < 200; i++)
            AtomicFile.Write(path, Encoding.ASCII.GetBytes(new string((char)('a' + (i % 26)), 100_000)), durable: false);
        await done.CancelAsync();
        await reading;
    }

    [Fact]
    public void A_file_larger_than_its_bound_is_refused_also_where_its_length_says_nothing()
    {
        Assert.Throws<IOException>(() => BoundedFile.Read("/dev/zero", 1000));
        Assert.Equal("abc", Encoding.ASCII.GetString(BoundedFile.Read(_folder.Write("f", "abc"), 3)));
        Assert.Throws<IOException>(() => BoundedFile.Read(_folder.Write("f", "abcd"), 3));
    }
}
