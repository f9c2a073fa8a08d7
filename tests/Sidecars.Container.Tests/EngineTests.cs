using System.Net.Sockets;
using System.Text;
using Sidecars.TestKit.Processes;

namespace Sidecars.Container.Tests;

/// <summary>The reasons for which the suite is skipped. Finding one must neither fail nor hang.</summary>
public sealed class EngineTests : IDisposable
{
    private static readonly (string Status, string Body) Yes = ("200 OK", "{}");
    private static readonly (string Status, string Body) No = ("404 Not Found", "{}");
    private readonly TempFolder _folder = new("engine");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_a_socket_there_is_no_engine() =>
        Assert.Equal($"no container engine: {SocketPath} does not exist (DOCKER_HOST names another)", Engine().FindProblem());

    [Theory]
    [InlineData("tcp://engine.example:2375")]
    [InlineData("ssh://engine.example")]
    [InlineData("nonsense")]
    public void An_engine_elsewhere_is_not_used(string address) =>
        Assert.Equal($"the container engine {address} is not on a Unix socket", new Engine(address).FindProblem());

    [Fact]
    public void A_socket_that_nobody_listens_on_is_no_engine()
    {
        using var bound = Bind();
        Assert.StartsWith("no container engine answers at ", Engine().FindProblem(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_engine_that_never_answers_is_given_up()
    {
        using var listener = Listen();
        var engine = new Engine("unix://" + SocketPath) { Limit = TimeSpan.FromMilliseconds(200) };
        Assert.StartsWith("no container engine answers at ", engine.FindProblem(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400 Bad Request", """{"message":"client version 1.44 is too new"}""", "client version 1.44 is too new")]
    [InlineData("500 Internal Server Error", "[]", "[]")]
    [InlineData("502 Bad Gateway", "<html>", "<html>")]
    public async Task An_engine_that_is_too_old_or_broken_is_quoted(string status, string body, string reason)
    {
        using var listener = Listen();
        var answered = AnswerAsync(listener, (status, body));

        Assert.Equal("the container engine refuses API v1.44: " + reason, Engine().FindProblem());
        await answered;
    }

    [Fact]
    public async Task An_engine_without_the_images_is_named_the_one_it_lacks()
    {
        using var listener = Listen();
        // Its version; redis, found by its second name; sentinel by neither.
        var answered = AnswerAsync(listener, Yes, No, Yes, No, No);

        Assert.Contains("has no image sidecars/sentinel:", Engine().FindProblem(), StringComparison.Ordinal);
        await answered;
    }

    [Fact]
    public async Task An_engine_that_has_both_images_will_do()
    {
        using var listener = Listen();
        var answered = AnswerAsync(listener, Yes, Yes, Yes);

        Assert.Null(Engine().FindProblem());
        await answered;
    }

    private string SocketPath => _folder.File("docker.sock");

    private Engine Engine() => new("unix://" + SocketPath) { Limit = Eventually.DefaultDeadline };

    private Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(SocketPath));
        return socket;
    }

    private Socket Listen()
    {
        var listener = Bind();
        listener.Listen();
        return listener;
    }

    // One connection an answer, as the engine asks.
    private static async Task AnswerAsync(Socket listener, params (string Status, string Body)[] answers)
    {
        foreach (var (status, body) in answers)
        {
            using var connection = await listener.AcceptAsync();
            await connection.ReceiveAsync(new byte[4096]);
            var reply = $"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
            await connection.SendAsync(Encoding.ASCII.GetBytes(reply));
        }
    }
}
