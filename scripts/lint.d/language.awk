# The language of what people read. Input: C# of src/, and Markdown. Prints FILE:LINE: RULE: TEXT; exit code 1 where anything is printed.
#
#   half-sentence   The summary of a public method has no verb: "For people.", "Until cancelled.", "The SDK's chain.". A verb can't be told
#                   from a noun mechanically, so a summary passes if one of these holds: it begins with a word that ends with s and is not
#                   one of the plural nouns below ("Reads …"; a word that is both, like "Names", counts as a verb); it begins with a
#                   question word, since an indirect question has a verb ("Whether …"); or it contains a form of a common verb, in
#                   whatever clause ("null if it is not set"). Properties, types, operators and ToString may be described by a noun.
#   period          A message in C# that holds the end of a sentence ends with one. A reason is a part of a sentence: it begins in lower
#                   case, is joined to others and has no period; only text with a sentence in it is looked at.
#   idiom           A phrase of the list below, in C# or in prose: it reads as a translation.
#
# Exempt: what an interpolation or ": " ends (another text follows), and a period before a file's ending or within a number.
BEGIN {
    bad = 0
    idioms = ">see there|>whose\\.<|>likewise\\.<|>why\\.</summary|has beaten its|gives no usable answer" \
        "|nobody here decides|looked for all|no concern of ours|\\*\\*over when|which nobody reaches|is no resp"
    # "there is no key" and "is no longer" are idiomatic; "it is no address" is not.
    negation = "(^|[^e]) (is|are) no [a-z]"
    questions = "^(What|Whether|Why|How|Where|Who|Whom|Which|When) "
    plurals = "^(Its|This|Addresses|Annotations|Bases|Bytes|Clients|Digits|Documents|Entries|Facts|Fields|Files|Keys|Lines|Masters" \
        "|Members|Nodes|Objects|Passwords|Pods|Replicas|Seconds|Secrets|Segments|Sentinels|Servers|Settings|Slots|Tenants|Texts|Users" \
        "|Values|Words)[^a-z]"
    verbs = "[^a-z](is|are|was|were|be|has|have|had|does|do|did|can|may|must|will|would|goes|ends|says|gives|takes|makes|names|runs)[^a-z]"
}
FNR == 1 { finish(); summary = ""; inside = 0; raw = 0; fenced = 0 }
FILENAME ~ /\.md$/ {
    if ($0 ~ /^ *```/) fenced = !fenced
    if (!fenced && match(tolower($0), idioms)) report(FNR, "idiom", $0)
    next
}
{
    line = $0
    if (match(tolower(line), idioms)) report(FNR, "idiom", line)
}
/^ *\/\/\/ *<summary>/ { summary = ""; inside = 1; at = FNR }
inside { text = line; sub(/^ *\/\/\/ ?/, "", text); summary = summary " " text; if (text ~ /<\/summary>/) inside = 0; next }
/^ *\/\// { next }
/^ *\[/ { next }
{ if (summary != "") { describe(line); summary = "" } }
{
    copy = line
    quotes = gsub(/"""/, "", copy)
    was = raw
    if (quotes % 2) raw = !raw
    if (was || quotes) { finish(); next }
    if (line !~ /^ *\+ [$@]*"/) finish()
    collect(line)
}
END { finish(); exit bad }

function report(number, rule, text, file) {
    sub(/^ +/, "", text)
    printf "%s:%d: %s: %s\n", file == "" ? FILENAME : file, number, rule, substr(text, 1, 160)
    bad = 1
}

function describe(code, text, low) {
    if (code !~ /^ *public / || code ~ / (record|class|struct|interface|enum|operator) / || code ~ /ToString\(/) return
    if (code !~ / [A-Z][A-Za-z0-9]*(<[A-Za-z, ]+>)?\(/ || code ~ /[{=].* [A-Z][A-Za-z0-9]*\(/ && code !~ /\).*=>/) return
    if (code ~ /^ *public [^(]*=>/) return
    text = summary
    gsub(/<[^>]*>/, "x", text)
    gsub(/^[ x]+|[ x]+$/, "", text)
    low = " " tolower(text) " "
    if (low ~ verbs || text ~ questions || text ~ /^[A-Z][a-z]+s([^a-z]|$)/ && text !~ plurals) return
    report(at, "half-sentence", text)
}

# The literals of a line, without what is interpolated; those of lines that begin with + belong to the line before.
function collect(code, i, c, depth, literal, isText) {
    sub(/ \/\/ .*$/, "", code)
    depth = 0; isText = 0
    for (i = 1; i <= length(code); i++) {
        c = substr(code, i, 1)
        if (!isText) { if (c == "\"") { begin(); isText = 1; literal = "" } continue }
        if (c == "\\") { literal = literal " "; i++; continue }
        if (c == "{") { depth++; continue }
        if (c == "}") { if (depth > 0) { depth--; if (depth == 0) literal = literal "\001" } continue }
        if (depth > 0) continue
        if (c == "\"") {
            isText = 0
            message = message literal
            # A comma or another argument ends a message; + goes on with it.
            if (substr(code, i + 1) ~ /^ *[,);]/) finish()
            continue
        }
        literal = literal c
    }
}

# A message may end with its file, and then it is finished in the next one.
function begin() {
    if (started) return
    started = FNR
    startedIn = FILENAME
}

function finish(text) {
    text = message
    message = ""
    if (text == "") { started = 0; return }
    if (match(tolower(text), negation) && text !~ / no (longer|more|one)/) report(started, "idiom", text, startedIn)
    if (text ~ /[a-z)'\001]\. +[A-Z][a-z]+ [a-z]/ && text !~ /[.?!:;…\001] *$/ && text !~ / $/) report(started, "period", text, startedIn)
    started = 0
}
