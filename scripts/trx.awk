# Reads trx files of "dotnet test": prints each failed test with its message and stack, each skipped one with its reason,
# and a last line "passed failed skipped" in numbers.

function attribute(line, name,    at) {
    at = index(line, " " name "=\"")
    if (!at) return ""
    line = substr(line, at + length(name) + 3)
    return substr(line, 1, index(line, "\"") - 1)
}

function plain(text) {
    gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#x[dD];/, "", text)
    gsub(/&#x[aA];/, " ", text); gsub(/&amp;/, "\\&", text)
    return text
}

# The text of an element may go over several lines; "shown" is true between its start and end tag.
function show(line, tag) {
    sub(".*<" tag ">", "", line)
    shown = line !~ ("</" tag ">")
    sub("</" tag ">.*", "", line)
    print "    " plain(line)
}

/<UnitTestResult / {
    outcome = attribute($0, "outcome")
    if (outcome == "Failed" || outcome == "NotExecuted")
        print (outcome == "Failed" ? "FAILED  " : "SKIPPED ") plain(attribute($0, "testName"))
    next
}
/<\/Results>/ { outcome = "" }
/<Counters / {
    passed += attribute($0, "passed")
    failed += attribute($0, "failed") + attribute($0, "error") + attribute($0, "timeout") + attribute($0, "aborted")
    skipped += attribute($0, "total") - attribute($0, "executed")
}
outcome != "Failed" && outcome != "NotExecuted" { next }
shown { show($0, shown_tag); next }
/<Message>/ { show($0, shown_tag = "Message"); next }
/<StackTrace>/ { show($0, shown_tag = "StackTrace"); next }
END { print passed + 0, failed + 0, skipped + 0 }
