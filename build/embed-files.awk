# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Turns the files of the web console, which are texts, into a C source:
#
#     awk -f embed-files.awk console/index.html console/console.css …
#
# Comments, types and indentation are for readers of the sources, so browsers don't get them. A
# comment stands on lines of its own; texts of more than one line are not in these files, and no
# text has a comment.

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
    gsub(/\/\*\*[^*]*\*\/ ?/, "")
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
    print "const um_console_file_t um_console_files[] = {"
    for (i = 1; i <= count; i++) {
        print "    { \"" names[i] "\", text_" i ", sizeof(text_" i ") - 1 },"
    }
    print "    { NULL, NULL, 0 }\n};"
}
