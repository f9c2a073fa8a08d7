using System.Text;

namespace Sidecars.Telemetry;

/// <summary>An option or a subcommand as a shell offers it.</summary>
/// <param name="Name">As written.</param>
/// <param name="Description">One line.</param>
/// <param name="Values">What an option takes; empty: anything, such as a file.</param>
/// <param name="IsFlag">True where an option takes no value.</param>
public sealed record CompletionWord(string Name, string Description, IReadOnlyList<string> Values, bool IsFlag);

/// <summary>A subcommand with what can follow it.</summary>
/// <param name="Name">As written; "" for the program itself.</param>
/// <param name="Description">One line.</param>
/// <param name="Options">Its options.</param>
/// <param name="Values">What its argument can be; empty: none, or anything.</param>
public sealed record CompletionNode(
    string Name, string Description, IReadOnlyList<CompletionWord> Options, IReadOnlyList<string> Values);

/// <summary>A program with what can follow it, where no command tree says so.</summary>
/// <param name="Name">Name of the executable.</param>
/// <param name="Root">What stands without a subcommand.</param>
/// <param name="Commands">The subcommands.</param>
public sealed record CompletionProgram(string Name, CompletionNode Root, IReadOnlyList<CompletionNode> Commands);

/// <summary>Writes the completion scripts of bash, zsh and fish. They are static: a shell runs the program for none of them.</summary>
public static class CompletionScript
{
    /// <summary>The shells.</summary>
    public static readonly IReadOnlyList<string> Shells = ["bash", "zsh", "fish"];

    /// <summary>Writes the script of a shell.</summary>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    /// <param name="program">Name of the executable.</param>
    /// <param name="root">What stands without a subcommand.</param>
    /// <param name="commands">The subcommands.</param>
    public static string Of(string shell, string program, CompletionNode root, IReadOnlyList<CompletionNode> commands)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(root);
        var function = "_" + program.Replace('-', '_');
        return shell switch
        {
            "bash" => Bash(program, function, root, commands),
            "zsh" => Zsh(program, function, root, commands),
            "fish" => Fish(program, root, commands),
            _ => throw new ArgumentException($"{shell} is none of the shells.", nameof(shell)),
        };
    }

    private static string Bash(string program, string function, CompletionNode root, IReadOnlyList<CompletionNode> commands)
    {
        var text = new StringBuilder($$"""
            # Completion of {{program}} for bash: source <({{program}} completion bash)
            {{function}}() {
                local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
                # --option=value comes as three words.
                if [[ $word == = ]]; then
                    word=''
                elif [[ $previous == = ]]; then
                    previous=${COMP_WORDS[COMP_CWORD - 2]}
                fi
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
                        {{string.Join(" | ", commands.Select(c => c.Name))}}) command=${COMP_WORDS[i]}; break ;;
                    esac
                done
                case $command:$previous in

            """);
        var all = commands.Prepend(root with { Name = "" });
        foreach (var (command, option) in all.SelectMany(c => c.Options.Where(o => !o.IsFlag).Select(o => (c, o))))
            Add(text, $"        {command.Name}:{option.Name}) words='{string.Join(' ', option.Values)}' ;;\n");
        text.Append("        *)\n            case $command in\n");
        Add(text, $"                '') words='{Words(commands.Select(c => c.Name), root.Options)}' ;;\n");
        foreach (var command in commands)
            Add(text, $"                {command.Name}) words='{Words(command.Values, command.Options)}' ;;\n");
        return text + $$"""
                        esac
                        ;;
                esac
                mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
            }
            complete -o default -F {{function}} {{program}}

            """;
    }

    // Not Append itself, whose interpolation asks for a culture.
    private static void Add(StringBuilder text, string more) => text.Append(more);

    private static string Words(IEnumerable<string> values, IEnumerable<CompletionWord> options) =>
        string.Join(' ', values.Concat(options.Select(o => o.Name)));

    private static string Zsh(string program, string function, CompletionNode root, IReadOnlyList<CompletionNode> commands)
    {
        var text = new StringBuilder($$"""
            #compdef {{program}}
            # Completion of {{program}} for zsh: source <({{program}} completion zsh)
            {{function}}() {
                local state
                local -a commands
                commands=(

            """);
        foreach (var command in commands) Add(text, $"        '{command.Name}:{ZshText(command.Description)}'\n");
        text.Append("    )\n    _arguments -C \\\n");
        foreach (var option in root.Options) text.Append("        ").Append(ZshOption(option)).Append(" \\\n");
        text.Append("        '1:command:->command' '*::argument:->argument'\n");
        text.Append("    case $state in\n        command) _describe command commands ;;\n");
        text.Append("        argument)\n            case $words[1] in\n");
        foreach (var command in commands)
        {
            Add(text, $"                {command.Name})\n                    _arguments");
            foreach (var option in command.Options) text.Append(" \\\n                        ").Append(ZshOption(option));
            if (command.Values.Count > 0)
                Add(text, $" \\\n                        '1:value:({string.Join(' ', command.Values)})'");
            text.Append("\n                    ;;\n");
        }

        return text + $$"""
                        esac
                        ;;
                esac
            }
            if [[ $funcstack[1] == {{function}} ]]; then
                {{function}} "$@"
            else
                compdef {{function}} {{program}}
            fi

            """;
    }

    private static string ZshOption(CompletionWord option)
    {
        var value = option.IsFlag ? "" : option.Values.Count == 0 ? ":value:_files" : $":value:({string.Join(' ', option.Values)})";
        return $"'{option.Name}[{ZshText(option.Description)}]{value}'";
    }

    // Brackets end a description of _arguments, a colon that of _describe, and an apostrophe the word.
    private static string ZshText(string text) =>
        text.Replace("[", "(", StringComparison.Ordinal).Replace("]", ")", StringComparison.Ordinal)
            .Replace(":", "\\:", StringComparison.Ordinal).Replace("'", "'\\''", StringComparison.Ordinal);

    private static string Fish(string program, CompletionNode root, IReadOnlyList<CompletionNode> commands)
    {
        var text = new StringBuilder(
            $"# Completion of {program} for fish: {program} completion fish | source\ncomplete -c {program} -f\n");
        foreach (var command in commands)
            Add(text, $"complete -c {program} -n __fish_use_subcommand -a {command.Name} -d '{FishText(command.Description)}'\n");
        foreach (var option in root.Options) Option("__fish_use_subcommand", option);
        foreach (var command in commands)
        {
            var condition = $"'__fish_seen_subcommand_from {command.Name}'";
            if (command.Values.Count > 0) Add(text, $"complete -c {program} -n {condition} -a '{string.Join(' ', command.Values)}'\n");
            foreach (var option in command.Options) Option(condition, option);
        }

        return text.ToString();

        void Option(string condition, CompletionWord option)
        {
            var value = option.IsFlag ? "" : option.Values.Count == 0 ? " -r -F" : $" -x -a '{string.Join(' ', option.Values)}'";
            var name = option.Name.TrimStart('-');
            Add(text, $"complete -c {program} -n {condition} -l {name}{value} -d '{FishText(option.Description)}'\n");
        }
    }

    private static string FishText(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
}
