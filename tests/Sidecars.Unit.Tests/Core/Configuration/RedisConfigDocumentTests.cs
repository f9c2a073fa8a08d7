using System.Text;
using Sidecars.Core.Configuration;

namespace Sidecars.Unit.Tests.Core.Configuration;

public sealed class RedisConfigDocumentTests
{
    private static RedisConfigDocument Parse(string text) => RedisConfigDocument.Parse(Encoding.UTF8.GetBytes(text));

    private static string Text(RedisConfigDocument document) => Encoding.UTF8.GetString(document.ToBytes());

    [Fact]
    public void A_directive_is_replaced_where_it_stands_and_the_rest_is_kept()
    {
        var document = Parse("# mine\n\n  PORT 1\nmaxmemory 1gb # not a comment\nport 2\n");
        Assert.True(document.Set("port", "6379"));
        Assert.Equal("# mine\n\nmaxmemory 1gb # not a comment\nport 6379\n", Text(document));
        Assert.False(document.Set("port", "6379"));
    }

    [Fact]
    public void A_directive_goes_behind_an_include_that_could_overrule_it()
    {
        var document = Parse("port 1\ninclude /etc/extra.conf\n");
        document.Set("port", "6379");
        Assert.Equal("include /etc/extra.conf\nport 6379\n", Text(document));
    }

    [Fact]
    public void A_default_stands_before_the_users_lines_and_only_without_theirs()
    {
        var document = Parse("Repl-Timeout 99\n");
        document.SetDefault("repl-timeout", "10");
        document.SetDefault("save", "");
        Assert.Equal("save \"\"\nRepl-Timeout 99\n", Text(document));
    }

    [Theory]
    [InlineData("slaveof a 1", "replicaof")]
    [InlineData("min-slaves-to-write 1", "min-replicas-to-write")]
    [InlineData("repl-ping-slave-period 3", "repl-ping-replica-period")]
    public void Old_names_are_the_same_directive(string line, string name)
    {
        var document = Parse(line);
        Assert.True(document.Contains(name));
        Assert.Equal(1, document.Remove(name));
        Assert.Empty(document.Lines);
    }

    [Fact]
    public void Directives_that_stand_once_per_thing_replace_only_their_thing()
    {
        var document = Parse("user a on\nuser b on\nrename-command FLUSHALL x\nrename-command KEYS y\nclient-output-buffer-limit slave 1 2 "
            + "3\nclient-output-buffer-limit normal 1 2 3\n");
        document.Set("user", "b", "off");
        document.Set("rename-command", "flushall", "z");
        document.Set("client-output-buffer-limit", "replica", "4", "5", "6");
        Assert.Equal(
            "user a on\nuser b off\nrename-command flushall z\nrename-command KEYS y\nclient-output-buffer-limit replica 4 5 "
            + "6\nclient-output-buffer-limit normal 1 2 3\n",
            Text(document));
    }

    [Fact]
    public void Sentinel_statements_replace_only_the_same_statement_of_the_same_master()
    {
        var document = Parse(
            "sentinel monitor a 10.0.0.1 1 2\nSENTINEL Monitor b 10.0.0.1 1 2\nsentinel known-slave b 10.0.0.2 1\nsentinel "
            + "known-replica b 10.0.0.3 1\n");
        document.Set("sentinel", "monitor", "b", "10.0.0.9", "1", "2");
        document.Set("sentinel", "known-replica", "b", "10.0.0.2", "1");
        Assert.Equal("sentinel monitor a 10.0.0.1 1 2\nsentinel monitor b 10.0.0.9 1 2\nsentinel known-replica b 10.0.0.2 1\nsentinel "
            + "known-replica b 10.0.0.3 1\n",
            Text(document));
    }

    [Fact]
    public void Save_lines_add_up_and_are_replaced_together()
    {
        var document = Parse("save 900 1\nmaxmemory 1\nsave 60 1000\n");
        Assert.Equal(2, document.All("SAVE").Count());
        document.Set("save", "");
        Assert.Equal("maxmemory 1\nsave \"\"\n", Text(document));
    }

    [Fact]
    public void Includes_and_the_acl_file_are_found()
    {
        var document = Parse("include \"/etc/a b.conf\"\nINCLUDE /etc/*.conf\naclfile /etc/users.acl\n#include no\n");
        Assert.Equal(["/etc/a b.conf", "/etc/*.conf"], document.Includes);
        Assert.Equal("/etc/users.acl", document.AclFile);
        Assert.Null(Parse("aclfile \"\"").AclFile);
        Assert.Throws<ArgumentException>(() => document.Set("include", "x"));
    }

    [Fact]
    public void Malformed_lines_are_numbered_and_kept()
    {
        var document = Parse("port 1\nrequirepass \"secret\n");
        Assert.Equal([2], document.MalformedLines);
        Assert.DoesNotContain("secret", document.Lines[1].ToString(), StringComparison.Ordinal);
        Assert.Contains("requirepass \"secret", Text(document), StringComparison.Ordinal);
    }
}
