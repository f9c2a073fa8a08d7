using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Backup;

public sealed class EncryptionTests : IDisposable
{
    private static readonly string First = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Second = Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray());
    private readonly TempFolder _folder = new("encryption");
    private readonly DirectoryStore _plain;

    public EncryptionTests() => _plain = new DirectoryStore(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(400_000)]
    public async Task What_was_encrypted_reads_back_and_is_not_to_be_seen(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        var store = new EncryptedStore(_plain, Ring(First));
        await store.PutAsync("a/x.aof", ObjectContent.Of(bytes), PutCondition.Absent, default);
        Assert.Equal(bytes, await ReadAsync(store, "a/x.aof"));
        var stored = File.ReadAllBytes(_folder.File("a/x.aof"));
        Assert.Equal(32 + length + (16 * Math.Max(1, (length + 65_535) / 65_536)), stored.Length);
        if (length > 100) Assert.Equal(-1, stored.AsSpan().IndexOf(bytes.AsSpan(0, 16)));
    }

    [Fact]
    public void The_encrypted_form_is_the_same_in_parts_and_in_pieces() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNegativeInt>(), ArbMap.Default.ArbFor<NonNegativeInt>(), ArbMap.Default.ArbFor<PositiveInt>(),
        (seed, from, piece) =>
        {
            var capture = new Capture();
            Assert.True(new EncryptedStore(capture, Ring(First))
                .PutAsync("a/x", ObjectContent.Of(new byte[150_000 + seed.Get]), PutCondition.None, default).IsCompleted);
            var content = capture.Content!;
            using var whole = new MemoryStream();
            using (var stream = content.Open()) stream.CopyTo(whole);
            Assert.Equal(content.Length, whole.Length);
            var start = from.Get * 7919L % content.Length;
            var length = Math.Min(content.Length - start, 70_000);
            using var part = new MemoryStream();
            using (var stream = content.Slice(start, length).Open()) stream.CopyTo(part, piece.Get * 100);
            Assert.True(whole.GetBuffer().AsSpan((int)start, (int)length).SequenceEqual(part.ToArray()));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Two_objects_of_one_content_do_not_look_alike()
    {
        var store = new EncryptedStore(_plain, Ring(First));
        foreach (var name in (string[])["a/x", "a/y"])
            await store.PutAsync(name, ObjectContent.Of(new byte[100]), PutCondition.None, default);
        Assert.Equal(-1, File.ReadAllBytes(_folder.File("a/y")).AsSpan().IndexOf(File.ReadAllBytes(_folder.File("a/x")).AsSpan(40, 16)));
    }

    [Theory]
    [InlineData(20)] // salt
    [InlineData(40)]
    [InlineData(65_600)] // a tag
    [InlineData(100_000)]
    public async Task A_changed_byte_is_Damaged(int at) => await IsDamagedAsync(bytes =>
    {
        bytes[at] ^= 1;
        return bytes;
    });

    [Fact]
    public Task An_object_cut_at_a_chunk_is_Damaged() => IsDamagedAsync(bytes => bytes[..(32 + 65_552)]);

    [Fact]
    public Task Chunks_in_another_order_are_Damaged() =>
        IsDamagedAsync(bytes => [.. bytes[..32], .. bytes[(32 + 65_552)..(32 + (65_552 * 2))], .. bytes[32..(32 + 65_552)],
            .. bytes[(32 + (65_552 * 2))..]]);

    [Fact]
    public async Task An_object_under_another_name_is_Damaged()
    {
        var store = new EncryptedStore(_plain, Ring(First));
        await store.PutAsync("a/x", ObjectContent.Of(new byte[100]), PutCondition.None, default);
        File.Move(_folder.File("a/x"), _folder.File("a/y"));
        Assert.Equal(StoreFailure.Damaged, (await Assert.ThrowsAsync<StoreException>(() => ReadAsync(store, "a/y"))).Failure);
    }

    [Fact]
    public async Task A_wrong_key_is_one_error_with_both_ids_and_an_old_key_still_reads()
    {
        await new EncryptedStore(_plain, Ring(First)).PutAsync("a/x", ObjectContent.Of(new byte[10]), PutCondition.None, default);
        var error = await Assert.ThrowsAsync<StoreException>(() => new EncryptedStore(_plain, Ring(Second)).OpenAsync("a/x", default));
        Assert.Equal(StoreFailure.Denied, error.Failure);
        Assert.Contains(Ring(First).Current.Id, error.Message, StringComparison.Ordinal);
        Assert.Contains(Ring(Second).Current.Id, error.Message, StringComparison.Ordinal);
        Assert.Equal(10, (await ReadAsync(new EncryptedStore(_plain, Ring($"{Second} {First}")), "a/x")).Length);
    }

    [Fact]
    public async Task Documents_and_what_was_written_before_the_key_are_plain()
    {
        await _plain.PutAsync("a/old.aof", ObjectContent.Of("*1\r\n"u8.ToArray()), PutCondition.None, default);
        await _plain.PutAsync("a/long.aof", ObjectContent.Of(new byte[100]), PutCondition.None, default);
        var store = new EncryptedStore(_plain, Ring(First));
        await store.PutAsync("a/manifest.json", ObjectContent.Of("{}"u8.ToArray()), PutCondition.None, default);
        Assert.Equal("{}", File.ReadAllText(_folder.File("a/manifest.json")));
        Assert.Equal("*1\r\n"u8.ToArray(), await ReadAsync(store, "a/old.aof"));
        Assert.Equal(new byte[100], await ReadAsync(store, "a/long.aof"));
    }

    [Fact]
    public void A_digest_says_nothing_without_the_key()
    {
        var content = ObjectContent.Of("*1\r\n$4\r\nPING\r\n"u8.ToArray());
        var digests = new[] { ContentHash.Plain, ContentHash.With(Ring(First).Current), ContentHash.With(Ring(Second).Current) }
            .Select(h => ChainDigest.Start.Append(content, h)).ToList();
        Assert.Equal(3, digests.Distinct().Count());
        Assert.Equal(ChainDigest.Start.Append(content), digests[0]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")] // 34 bytes
    [InlineData("not base64 of anything at all, at all, at all!!")]
    public void What_is_no_key_is_refused(string text) =>
        Assert.False(Secret.TryParse(Encoding.UTF8.GetBytes(text), out var secret, out _) && KeyRing.TryParse(secret, out _));

    [Fact]
    public void A_key_is_never_printed()
    {
        var ring = Ring($"{First} {Second}");
        Assert.Equal(16, ring.Current.Id.Length);
        Assert.DoesNotContain(First[..10], $"{ring} {ring.Current} {ring.Ids}", StringComparison.Ordinal);
    }

    private static KeyRing Ring(string keys) =>
        Secret.TryParse(Encoding.UTF8.GetBytes(keys), out var secret, out _) && KeyRing.TryParse(secret, out var ring)
            ? ring
            : throw new InvalidOperationException();

    private static async Task<byte[]> ReadAsync(EncryptedStore store, string key)
    {
        using var download = await store.OpenAsync(key, default);
        using var copy = new MemoryStream();
        await download.Content.CopyToAsync(copy);
        Assert.Equal(download.Length, copy.Length);
        return copy.ToArray();
    }

    private async Task IsDamagedAsync(Func<byte[], byte[]> damage)
    {
        var store = new EncryptedStore(_plain, Ring(First));
        await store.PutAsync("a/x", ObjectContent.Of(RandomNumberGenerator.GetBytes(200_000)), PutCondition.None, default);
        File.WriteAllBytes(_folder.File("a/x"), damage(File.ReadAllBytes(_folder.File("a/x"))));
        Assert.Equal(StoreFailure.Damaged, (await Assert.ThrowsAsync<StoreException>(() => ReadAsync(store, "a/x"))).Failure);
    }

    /// <summary>Keeps what it is given.</summary>
    private sealed class Capture : IObjectStore
    {
        public ObjectContent? Content { get; private set; }

        public string Description => "";

        public Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation)
        {
            Content = content;
            return Task.FromResult<string?>("");
        }

        public Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation) => throw new NotSupportedException();

        public IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, string? startAfter, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task DeleteAsync(string key, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
            throw new NotSupportedException();
    }
}
