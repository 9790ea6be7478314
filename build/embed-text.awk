# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Turns a text file into a C source:
#
#     awk -v name=um_mail_template_default -v header=mail/mail_template.h -f embed-text.awk FILE
#
# With -v joined=1 the text is one line: blanks at the beginning of lines and the ends of lines
# are left out, which means nothing in JSON.

BEGIN {
    if (name == "" || header == "") {
        print "embed-text.awk: give -v name=… and -v header=…" > "/dev/stderr"
        failed = 1
        exit 1
    }
    print "/* Made by build/embed-text.awk; don't edit. */"
    print "#include \"mod_usermgmt/" header "\"\n"
    print "const char " name "[] ="
}

{
    if (joined) {
        sub(/^ */, "")
    }
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\t/, "\\t")
    gsub(/\?/, "\\?")
    print "    \"" $0 (joined ? "" : "\\n") "\""
}

END {
    if (failed) {
        exit 1
    }
    if (NR == 0) {
        print "embed-text.awk: no file given, or an empty one" > "/dev/stderr"
        exit 1
    }
    print "    \"\";"
}
