# Lines of more than 140 characters. Input: C#, Markdown, and files of lines that a person breaks: shell, awk, Dockerfiles, MSBuild. Prints
# FILE:LINE: N characters; exit code 1 where anything is printed. LC_ALL=C: bytes that continue a character are dropped first, so that a
# byte is a character in every awk.
#
# What does not count:
#   C#         lines inside a raw string of several lines (they are data), and a line that is nothing but one literal, with "= ", "+ " or
#              "$" before it
#   Markdown   tables, headings, fenced blocks, and the addresses of links
#   others     a line that is nothing but one literal or one attribute of XML, with "\", "|", ">" or the like behind it
BEGIN { bad = 0 }
FNR == 1 {
    raw = 0
    fenced = 0
    kind = FILENAME ~ /\.cs$/ ? "code" : FILENAME ~ /\.md$/ ? "prose" : "other"
}
kind == "code" { quotes = gsub(/"""/, "&"); inside = raw; if (quotes % 2) raw = !raw }
kind == "prose" && /^ *```/ { fenced = !fenced }
{ gsub(/[\200-\277]/, "") }
kind == "prose" { gsub(/\]\([^)]*\)/, "]"); gsub(/[a-z]+:\/\/[^ ]*/, "") }
length > 140 && !exempt() { print FILENAME ":" FNR ": " length " characters"; bad = 1 }
END { exit bad }

function exempt() {
    if (kind == "code")
        return inside || /^ *([+=] )?[$]*""".*"""(u8)?[^" ]*$/ || /^ *([+=] )?[$@]*"([^"]|\\"|"")*"+(u8)?[^" ]*$/
    if (kind == "prose") return fenced || /^ *[|#]/
    return /^ *([A-Za-z]+=)?("[^"]*"|\$?'[^']*')( *[\\|&;)\/>]*)*$/
}
