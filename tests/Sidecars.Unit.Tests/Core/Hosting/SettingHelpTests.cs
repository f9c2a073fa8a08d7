using Sidecars.Core.Hosting;

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class SettingHelpTests
{
    [Fact]
    public void Settings_stand_in_their_sections_in_the_order_in_which_these_begin_and_are_wrapped()
    {
        var reader = new SettingReader(new Dictionary<string, string>());
        reader.Section("Group");
        reader.Duration(
            "WAIT", "WAIT_MS", TimeSpan.FromMilliseconds(250), TimeSpan.Zero, TimeSpan.FromSeconds(1), "How long it waits for all.");
        reader.Section("Passwords");
        reader.OptionalSecret("PASSWORD", "Which.");
        reader.Section("Group");
        reader.RequiredText("NEEDED", "Who.");
        reader.Text("NONE", "", "What.");
        Assert.Equal(
            """

            Group
              WAIT (duration, 0s..1s),
                default 250ms
                  How long it waits for
                  all.
              NEEDED (text), required
                  Who.
              NONE (text), default empty
                  What.

            Passwords
              PASSWORD (secret)
                  Which.
              PASSWORD_FILE (path)
                  File that holds
                  PASSWORD; a line feed at
                  its end is ignored.

            """,
            SettingHelp.Of(reader.Settings, 30));
    }

    [Fact]
    public void Without_sections_there_is_no_heading()
    {
        var reader = new SettingReader(new Dictionary<string, string>());
        reader.OptionalPath("A", "Where.");
        Assert.Equal("  A (path)\n      Where.\n", SettingHelp.Of(reader.Settings, 80));
    }

    [Fact]
    public void A_word_that_is_too_long_by_itself_is_not_torn()
    {
        var reader = new SettingReader(new Dictionary<string, string>());
        reader.OptionalPath("A", "Where " + new string('x', 40) + " is.");
        Assert.Equal("  A (path)\n      Where\n      " + new string('x', 40) + "\n      is.\n", SettingHelp.Of(reader.Settings, 20));
    }
}
