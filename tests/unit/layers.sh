#!/bin/sh
# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# The house's rules: which layer may know of what. Reads the sources in
# $srcdir and the libraries built in the current directory. A rule that finds
# nothing to look at fails as well.
set -u
srcdir=${srcdir:-.}
sources=$srcdir/mod_usermgmt
failures=0

fail() {
    printf 'layers: %s\n' "$1"
    [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/    /'
    failures=$((failures + 1))
}

# files LAYER...: the C files of the layers, without what is generated.
files() {
    for layer in "$@"; do
        find "$sources/$layer" -name '*.[ch]' ! -name 'schema_*.c'
    done | sort
}

# includes REGEX FILE...: lines that include a header the regex matches.
includes() {
    regex=$1
    shift
    grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($regex)" /dev/null "$@"
}

# only FILE WHAT LINES: every line is of FILE, and there is one.
only() {
    others=$(printf '%s\n' "$3" | grep -v "^$sources/$1:" | grep .)
    [ -z "$others" ] || fail "$2 outside $1" "$others"
    printf '%s\n' "$3" | grep -q "^$sources/$1:" ||
        fail "$2: not even in $1, so the check looks at the wrong thing"
}

# strings FILE...: each string literal as FILE:LINE:TEXT, comments passed over.
strings() {
    awk '
    FNR == 1 { in_comment = 0 }
    {
        in_string = 0
        text = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            two = substr($0, i, 2)
            if (in_comment) {
                if (two == "*/") { in_comment = 0; i++ }
            } else if (in_string) {
                if (c == "\\") { text = text two; i++ }
                else if (c == "\"") { print FILENAME ":" FNR ":" text; in_string = 0; text = "" }
                else text = text c
            } else if (two == "/*") { in_comment = 1; i++ }
            else if (two == "//") { break }
            else if (c == "\"") { in_string = 1 }
            else if (c == "\047") { i += (substr($0, i + 1, 1) == "\\") ? 3 : 2 }
        }
    }' "$@"
}

# The loops split at newlines only: a source directory may have a space.
IFS='
'
set -f

for layer in core api httpd cli; do
    found=$(files "$layer" | grep -c '\.c$')
    [ "$found" -ge 5 ] || fail "only $found C files in $sources/$layer"
done

httpd_headers='([^">]*/)?(httpd|(http|ap|mod|util)_[a-z0-9_]+)\.h'
httpd=$(includes "$httpd_headers" $(files core api))
[ -z "$httpd" ] || fail "core or api includes httpd's headers" "$httpd"
includes "$httpd_headers" $(files httpd) >/dev/null ||
    fail "not even httpd/ includes httpd's headers, so the check looks at the wrong thing"

httpd=$(includes "$httpd_headers" $(files cli))
[ -z "$httpd" ] || fail "cli includes httpd's headers" "$httpd"

above=$(includes '.*(api|httpd|cli)/' $(files core)
    includes '.*(httpd|cli)/' $(files api))
[ -z "$above" ] || fail "a layer includes one above it" "$above"

for library in libumcore libumapi; do
    archive=.libs/$library.a
    symbols=$(nm -A -u "$archive" 2>/dev/null)
    printf '%s\n' "$symbols" | grep -q ' U apr_' || fail "$archive has no symbols to look at"
    needs=$(printf '%s\n' "$symbols" | grep -E ' U ap_')
    [ -z "$needs" ] || fail "$library needs httpd" "$needs"
done

only 'core/\(db\|connection\)\.c' "calls of apr_dbd" \
    "$(grep -nE 'apr_dbd_[a-z0-9_]+[[:space:]]*\(' $(files core api httpd))"
only api/json.c "jansson.h" "$(includes 'jansson\.h' $(files core api httpd cli))"
only core/smtp.c "curl.h" "$(includes 'curl/curl\.h' $(files core api httpd cli))"
only core/sqlite.c "sqlite3.h" "$(includes 'sqlite3\.h' $(files core api httpd cli))"
only core/address.c "idn2.h" "$(includes 'idn2\.h' $(files core api httpd cli))"
only core/text.c "utf8proc.h" "$(includes 'utf8proc\.h' $(files core api httpd cli))"

sql='SELECT|INSERT|UPDATE|DELETE FROM|CREATE|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|PRAGMA|WHERE|VALUES'
only core/statements.c "SQL" \
    "$(strings $(files core api httpd cli) | grep -E ":[0-9]+:(.*[^A-Za-z_])?($sql)([^A-Za-z_]|\$)")"

[ "$failures" -eq 0 ] && echo "layers: all rules hold"
exit $((failures != 0))
