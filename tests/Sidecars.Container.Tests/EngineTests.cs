using System.Net.Sockets;
using System.Text;
using Sidecars.TestKit.Processes;

namespace Sidecars.Container.Tests;

/// <summary>What is said where the suite can't run, which must never fail or hold up the other tests.</summary>
public sealed class EngineTests : IDisposable
{
    private readonly TempFolder _folder = new("engine");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_a_socket_there_is_no_engine() =>
        Assert.Equal($"no container engine: {_folder.File("docker.sock")} does not exist (DOCKER_HOST names another)", Engine().FindProblem());

    [Theory]
    [InlineData("tcp://engine.example:2375")]
    [InlineData("ssh://engine.example")]
    [InlineData("nonsense")]
    public void An_engine_elsewhere_is_not_used(string address) =>
        Assert.Equal($"the container engine at {address} is not on a socket of this machine", new Engine(address).FindProblem());

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
        Assert.StartsWith("no container engine answers at ", Engine().FindProblem(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400 Bad Request", """{"message":"client version 1.44 is too new. Maximum supported API version is 1.41"}""", "refuses API v1.44: client version 1.44 is too new.")]
    [InlineData("500 Internal Server Error", "[]", "refuses API v1.44: []")]
    [InlineData("502 Bad Gateway", "<html>", "refuses API v1.44: <html>")]
    public async Task An_engine_that_is_too_old_or_broken_is_quoted(string status, string body, string says)
    {
        using var listener = Listen();
        var answered = AnswerAsync(listener, (status, body));

        Assert.Contains(says, Engine().FindProblem(), StringComparison.Ordinal);
        await answered;
    }

    [Fact]
    public async Task An_engine_without_the_images_is_told_which_is_missing()
    {
        using var listener = Listen();
        var answered = AnswerAsync(listener, ("200 OK", "{}"), ("404 Not Found", "{}"), ("200 OK", "{}"), ("404 Not Found", "{}"), ("404 Not Found", "{}"));

        Assert.Contains("has no image sidecars/sentinel:", Engine().FindProblem(), StringComparison.Ordinal);
        await answered;
    }

    [Fact]
    public async Task An_engine_that_has_both_images_will_do()
    {
        using var listener = Listen();
        var answered = AnswerAsync(listener, ("200 OK", "{}"), ("200 OK", "{}"), ("200 OK", "{}"));

        Assert.Null(Engine().FindProblem());
        await answered;
    }

    private Engine Engine() => new("unix://" + _folder.File("docker.sock")) { Limit = TimeSpan.FromSeconds(1) };

    private Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder.File("docker.sock")));
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
            await connection.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        }
    }
}
