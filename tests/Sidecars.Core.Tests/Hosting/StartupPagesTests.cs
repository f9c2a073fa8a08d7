using Sidecars.Core.Hosting;

namespace Sidecars.Core.Tests.Hosting;

public sealed class StartupPagesTests
{
    private const string Smaps = """
        55d0c8a00000-55d0c8b00000 r--p 00000000 fe:00 42                         /usr/local/bin/redis sidecars
        Size:               1024 kB
        Anonymous:             0 kB
        55d0c8b00000-55d0c9b00000 r-xp 00100000 fe:00 42                         /usr/local/bin/redis sidecars
        Size:              16384 kB
        Rss:                9000 kB
        Anonymous:             0 kB
        55d0c9b00000-55d0c9c00000 r--p 01100000 fe:00 42                         /usr/local/bin/redis sidecars
        Anonymous:           840 kB
        55d0c9c00000-55d0c9d00000 rw-p 01200000 fe:00 42                         /usr/local/bin/redis sidecars
        Anonymous:             0 kB
        7f0000000000-7f0000100000 r-xp 00000000 fe:00 43                         /usr/lib/x86_64-linux-gnu/libc.so.6
        Anonymous:             0 kB
        7f0000200000-7f0000300000 r--p 00000000 00:00 0
        Anonymous:             0 kB
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
        Anonymous:             0 kB
        """;

    [Fact]
    public void Only_mappings_of_the_file_that_are_as_the_file_is_are_given_back() => Assert.Equal(
        [(0x55d0c8a00000, 0x100000), (0x55d0c8b00000, 0x1000000)],
        StartupPages.Unchanged(Smaps.Split('\n', StringSplitOptions.TrimEntries), "/usr/local/bin/redis sidecars"));

    [Theory]
    [InlineData("")]
    [InlineData("Anonymous: 0 kB")]
    [InlineData("zz-yy r-xp 0 0 0 /x\nAnonymous: 0 kB")]
    [InlineData("10-20 r-xp 0 0 0 /x")]
    public void What_is_not_understood_is_left_alone(string smaps) => Assert.Empty(StartupPages.Unchanged(smaps.Split('\n'), "/x"));

    [Fact]
    public void The_process_goes_on()
    {
        Assert.True(StartupPages.Release() >= 0);
        GC.Collect();
    }
}
