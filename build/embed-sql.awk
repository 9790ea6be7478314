# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Turns the schema's files into a C source:
#
#     awk -v name=um_schema_sqlite -f embed-sql.awk 0001-initial.sql 0002-….sql
#
# A statement is a paragraph: it ends before a blank line. Comment lines are left out. The
# version of a file is the number at the beginning of its name. apr_dbd_query gets the texts
# unchanged, so % is not doubled.

function fail(message)
{
    print "embed-sql.awk: " message > "/dev/stderr"
    failed = 1
    exit 1
}

function end_statement()
{
    if (in_statement) {
        print "\","
        in_statement = 0
    }
}

function end_file()
{
    end_statement()
    if (version > 0) {
        if (!count) {
            fail("no statement in the file of version " version)
        }
        print "    NULL\n};\n"
    }
}

function start_file(    base)
{
    end_file()
    base = FILENAME
    sub(/^.*\//, "", base)
    if (base !~ /^[0-9]+-/) {
        fail(FILENAME ": the name does not start with a version and a hyphen")
    }
    if (base + 0 != version + 1) {
        fail(FILENAME ": version " (version + 1) " is to come next")
    }
    version = base + 0
    count = 0
    print "static const char *const version_" version "[] = {"
}

BEGIN {
    if (name == "") {
        fail("give the variable's name: -v name=…")
    }
    print "/* Made by build/embed-sql.awk from the files below schema/; don't edit. */"
    print "#include \"mod_usermgmt/db/schema.h\"\n"
}

FNR == 1 { start_file() }

{ sub(/[ \t\r]+$/, "") }

/^[ \t]*--/ { next }

/^$/ { end_statement(); next }

{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\t/, "\\t")
    gsub(/\?/, "\\?")
    # No newline after the last line, because to the driver that would be another, empty
    # statement, and an error.
    if (in_statement) {
        printf "\\n\"\n"
    } else {
        count++
    }
    printf "    \"%s", $0
    in_statement = 1
}

END {
    if (failed) {
        exit 1
    }
    end_file()
    if (failed) {
        exit 1
    }
    if (version == 0 || version != ARGC - 1) {
        fail("no file given, or an empty one")
    }
    print "const um_schema_step_t " name "[] = {"
    for (i = 1; i <= version; i++) {
        print "    { " i ", version_" i " },"
    }
    print "    { 0, NULL }\n};"
}
