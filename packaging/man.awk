# Manual pages from the header: one for each function, and astensor.3 from its template with the list of them.
#     awk -v version=V -v directory=D -f man.awk astensor.3.in astensor.h

function plain(text) {
    gsub(/\\/, "\\e", text)
    return text
}
function marked(text) { # with `code` in bold
    text = plain(text)
    while (match(text, /`[^`]*`/))
        text = substr(text, 1, RSTART - 1) "\\fB" substr(text, RSTART + 1, RLENGTH - 2) "\\fR" substr(text, RSTART + RLENGTH)
    if (text ~ /^[.']/) text = "\\&" text
    return text
}
function lower_first(text) { return tolower(substr(text, 1, 1)) substr(text, 2) }
function first_sentence(text,    end) {
    sub(/\n.*/, "", text)
    sub(/: .*/, "", text)
    end = index(text, ". ")
    if (end) text = substr(text, 1, end - 1)
    sub(/[.:]$/, "", text)
    gsub(/`/, "", text)
    return text
}
function emit(line) { print line > page }

# A comment is kept as sections: "" for the description, "param NAME", "return", "par TITLE"; "\n" between paragraphs.
function begin_section(name, text) {
    sections++
    title[sections] = name
    body[sections] = text
}
function comment_line(text,    words, name) {
    if (text ~ /^@param /) {
        sub(/^@param +/, "", text)
        name = text
        sub(/ .*/, "", name)
        sub(/^[^ ]+ +/, "", text)
        begin_section("param " name, text)
    } else if (text ~ /^@return /) {
        sub(/^@return +/, "", text)
        begin_section("return", text)
    } else if (text ~ /^@par /) {
        sub(/^@par +/, "", text)
        name = text
        sub(/ .*/, "", name)
        sub(/^[^ ]+ +/, "", text)
        begin_section("par " name, text)
    } else if (text == "") {
        body[sections] = body[sections] "\n"
    } else {
        sub(/^ +/, "", text)
        body[sections] = body[sections] (body[sections] == "" || body[sections] ~ /\n$/ ? "" : " ") text
    }
}
function paragraphs(text,    i, count, parts) {
    sub(/\n+$/, "", text)
    count = split(text, parts, /\n+/)
    for (i = 1; i <= count; i++) {
        if (i > 1) emit(".PP")
        emit(marked(parts[i]))
    }
}
function function_page(name, prototype,    i, lines, count, parameters) {
    page = directory "/" name ".3"
    brief = first_sentence(body[1])
    emit(".TH " toupper(name) " 3 \"\" \"astensor " version "\" \"astensor\"")
    emit(".SH NAME")
    emit(name " \\- " plain(lower_first(brief)))
    emit(".SH SYNOPSIS")
    emit(".nf")
    emit(".B #include <astensor/astensor.h>")
    emit(".PP")
    count = split(prototype, lines, "\n")
    for (i = 1; i <= count; i++) emit(marked(lines[i]))
    emit(".fi")
    emit(".SH DESCRIPTION")
    paragraphs(body[1])
    for (i = 2; i <= sections; i++) {
        if (title[i] ~ /^param /) {
            if (!parameters++) emit(".SH PARAMETERS")
            emit(".TP")
            emit(".I " substr(title[i], 7))
        } else if (title[i] == "return") {
            emit(".SH RETURN VALUE")
        } else {
            emit(".SH " toupper(substr(title[i], 5)))
        }
        paragraphs(body[i])
    }
    emit(".SH SEE ALSO")
    emit(".BR astensor (3)")
    close(page)
    list = list ".TP\n.BR " name " (3)\n" plain(brief) ".\n"
}

FNR == 1 { file++ }
file == 1 { template = template $0 "\n"; next }
/^extern "C"/ { functions = 1 }
!functions { next }
/^\/\*\*$/ { inside = 1; sections = 0; begin_section("", ""); next }
inside && /^ \*\/$/ { inside = 0; prototype = ""; next }
inside { sub(/^ \* ?/, ""); comment_line($0); next }
/^[A-Za-z].*\(/ || prototype != "" {
    prototype = prototype (prototype == "" ? "" : "\n") $0
    if ($0 ~ /;$/) {
        name = prototype
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
        gsub(/struct /, "", prototype)
        function_page(name, prototype)
        prototype = ""
    }
}
END {
    page = directory "/astensor.3"
    sub(/\n$/, "", list)
    at = index(template, "@FUNCTIONS@")
    template = substr(template, 1, at - 1) list substr(template, at + length("@FUNCTIONS@"))
    gsub(/@VERSION@/, version, template)
    printf "%s", template > page
}
