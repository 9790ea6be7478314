# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Turns the files of the web console, which are texts, into a C source:
#
#     awk -f embed-files.awk console/index.html console/console.css …
#
# console.js has a list of all modules that it imports, itself or by others, and each view of all
# others that it needs. They are links of its page, so the browser asks for all modules at once.
#
# Comments, types, indentation and spaces round signs are for readers of the sources, so browsers
# don't get them. A comment stands on lines of its own; texts of more than one line are not in
# these files, and no text has a comment.

# Code, or a part of it, without texts and regular expressions.
function squeeze(code)
{
    gsub(/ => /, "=>", code)
    gsub(/ = /, "=", code)
    gsub(/ === /, "===", code)
    gsub(/ !== /, "!==", code)
    gsub(/ && /, "\\&\\&", code)
    gsub(/ \|\| /, "||", code)
    gsub(/ \? /, "?", code)
    gsub(/ \?\? /, "??", code)
    gsub(/ : /, ":", code)
    gsub(/: /, ":", code)
    gsub(/, /, ",", code)
    gsub(/; /, ";", code)
    gsub(/ \(/, "(", code)
    gsub(/\) /, ")", code)
    gsub(/ \{/, "{", code)
    gsub(/\{ /, "{", code)
    gsub(/ \}/, "}", code)
    gsub(/\} /, "}", code)
    return code
}

function squeeze_css(line)
{
    gsub(/: /, ":", line)
    gsub(/; /, ";", line)
    gsub(/;? \}/, "}", line)
    gsub(/ \{ ?/, "{", line)
    return line
}

# What is outside of double quotes. Where a line could have another kind of text, or a regular
# expression, it stays as it is.
function squeeze_js(line, parts, count, i, squeezed)
{
    if (line ~ /[`'\/\\]/) {
        return line
    }
    count = split(line, parts, "\"")
    squeezed = squeeze(parts[1])
    for (i = 2; i <= count; i++) {
        squeezed = squeezed "\"" (i % 2 == 1 ? squeeze(parts[i]) : parts[i])
    }
    return squeezed
}

# Note the modules that a module imports: the end of `import … from "./NAME.js";`.
function note_import(line)
{
    if (match(line, /(from|^import) "\.\/[^"]+";$/)) {
        sub(/^.*"\.\//, "", line)
        sub(/";$/, "", line)
        imports[names[count]] = imports[names[count]] " " line
    }
}

# Links of a page to a module and to all that it imports; seen has those that need none.
function links(name, seen, parts, text, i)
{
    if (name in seen) {
        return ""
    }
    seen[name] = 1
    text = "<link rel=\\\"modulepreload\\\" href=\\\"" name "\\\">\\n"
    split(imports[name], parts, " ")
    for (i = 1; i in parts; i++) {
        text = text links(parts[i], seen)
    }
    return text
}

function end_file()
{
    if (count > 0) {
        print "    \"\";\n"
    }
}

BEGIN {
    print "/* Made by build/embed-files.awk; don't edit. */"
    print "#include \"mod_usermgmt/httpd/console.h\"\n"
}

FNR == 1 {
    end_file()
    names[++count] = FILENAME
    sub(/^.*\//, "", names[count])
    print "static const char text_" count "[] ="
}

{
    sub(/^[ \t]+/, "")
}

in_comment {
    in_comment = !/\*\/$/
    next
}

/^$/ || /^\/\// || /^\/\*.*\*\/$/ { next }

/^\/\*/ && !/\*\// {
    in_comment = 1
    next
}

# Types are in comments: /** @type {string} */
FILENAME ~ /\.js$/ {
    note_import($0)
    gsub(/\/\*\*[^*]*\*\/ ?/, "")
    $0 = squeeze_js($0)
}

FILENAME ~ /\.css$/ {
    $0 = squeeze_css($0)
}

{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\t/, "\\t")
    gsub(/\?/, "\\?")
    print "    \"" $0 "\\n\""
}

END {
    end_file()
    if (count == 0 || count != ARGC - 1) {
        print "embed-files.awk: no file given, or an empty one" > "/dev/stderr"
        exit 1
    }
    seen["console.js"] = 1
    split(imports["console.js"], parts, " ")
    for (i = 1; i in parts; i++) {
        modules["console.js"] = modules["console.js"] links(parts[i], seen)
    }
    print "const um_console_file_t um_console_files[] = {"
    for (i = 1; i <= count; i++) {
        if (names[i] ~ /^view-/) {
            split("", others)
            for (name in seen) {
                others[name] = 1
            }
            modules[names[i]] = links(names[i], others)
        }
        print "    { \"" names[i] "\", text_" i ", sizeof(text_" i ") - 1,"
        print "      \"" modules[names[i]] "\" },"
    }
    print "    { NULL, NULL, 0, NULL }\n};"
}
