#!/bin/sh
# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# The rules for rooms: which room may include headers of which. It reads the sources in
# $srcdir and the library in the current directory. A rule that finds nothing to check fails
# too.
set -u
srcdir=${srcdir:-.}
sources=$srcdir/mod_usermgmt
failures=0

fail() {
    printf 'layers: %s\n' "$1"
    [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/    /'
    failures=$((failures + 1))
}

# From bottom to top: a room includes headers of its own and of rooms before it.
# httpd and cli do not know each other.
rooms='base db core mail rest api scim httpd cli'

# files ROOM...: the C files of the rooms, without those that are generated.
files() {
    for room in "$@"; do
        find "$sources/$room" -name '*.[ch]' ! -name 'schema_*.c' ! -name 'queries.[ch]'
    done | sort
}

# includes REGEX FILE...: lines that include a header the regex matches.
includes() {
    regex=$1
    shift
    grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($regex)" /dev/null "$@"
}

# only FILE WHAT LINES: all lines are of FILE, and there is at least one.
only() {
    others=$(printf '%s\n' "$3" | grep -v "^$sources/$1:" | grep .)
    [ -z "$others" ] || fail "$2 outside $1" "$others"
    printf '%s\n' "$3" | grep -q "^$sources/$1:" ||
        fail "$2: not even in $1, so the check looks at the wrong thing"
}

# strings FILE...: each string literal as FILE:LINE:TEXT, without comments.
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

# upward ROOM: the includes of a room that lead into a later one.
upward() {
    later=$(printf '%s' "$rooms" | sed "s/.*\\<$1\\>//; s/^ //; s/ /|/g")
    [ "$1" = httpd ] || [ "$1" = cli ] && later='httpd|cli'
    includes ".*($later)/" $(files "$1")
}

# Lists are split at newlines only: the source directory may have a space.
below=$(echo "${rooms% httpd cli}" | tr ' ' '\n')
all=$(echo "$rooms" | tr ' ' '\n')
IFS='
'
set -f

for room in $all; do
    found=$(files "$room" | grep -c '\.c$')
    [ "$found" -ge 4 ] || fail "only $found C files in $sources/$room"
    above=$(upward "$room")
    [ -z "$above" ] || fail "$room includes a room above it" "$above"
done
unlisted=$(find "$sources" -mindepth 1 -maxdepth 1 -type d | sed 's|.*/||' |
    grep -vxF "$all")
[ -z "$unlisted" ] || fail "no rule tells the place of a room" "$unlisted"
# The rule must find an include that leads upwards, in any room that has one above it, and none
# that leads downwards.
made=$(mktemp -d)
for room in $all; do
    mkdir "$made/$room"
    printf '#include "../%s/a.h"\n' $all >"$made/$room/a.c"
    [ "$room" = httpd ] || [ "$room" = cli ] && continue
    count=$(sources=$made; upward "$room" | wc -l)
    above=$(printf "%s\n" $all | sed -n "/^$room\$/,\$p" | tail -n +2 | wc -l)
    [ "$count" -eq "$above" ] ||
        fail "of $above includes that lead upwards from $room, $count are found"
done
for room in httpd cli; do
    count=$(sources=$made; upward "$room" | grep -c "/\(httpd\|cli\)/a.h")
    [ "$count" -eq 2 ] || fail "the includes of httpd and cli in $room are not found"
done
rm -r "$made"
# The rule must see the many includes of lower rooms; otherwise it checks nothing.
[ "$(includes '\.\./(base|db|core)/' $(files $all) | wc -l)" -ge 50 ] ||
    fail "the rooms include nothing of each other, so the check looks at the wrong thing"

httpd_headers='([^">]*/)?(httpd|(http|ap|mod|util)_[a-z0-9_]+)\.h'
httpd=$(includes "$httpd_headers" $(files $below cli))
[ -z "$httpd" ] || fail "a room apart from httpd includes httpd's headers" "$httpd"
includes "$httpd_headers" $(files httpd) >/dev/null ||
    fail "not even httpd/ includes httpd's headers, so the check looks at the wrong thing"

archive=.libs/libusermgmt.a
symbols=$(nm -A -u "$archive" 2>/dev/null)
printf '%s\n' "$symbols" | grep -q ' U apr_' || fail "$archive has no symbols to look at"
needs=$(printf '%s\n' "$symbols" | grep -E ' U ap_')
[ -z "$needs" ] || fail "$archive needs httpd" "$needs"

only 'db/\(db\|connection\)\.c' "calls of apr_dbd" \
    "$(grep -nE 'apr_dbd_[a-z0-9_]+[[:space:]]*\(' $(files $below httpd))"
only base/json.c "jansson.h" "$(includes 'jansson\.h' $(files $all))"
only mail/smtp.c "curl.h" "$(includes 'curl/curl\.h' $(files $all))"
only db/sqlite.c "sqlite3.h" "$(includes 'sqlite3\.h' $(files $all))"
only base/address.c "idn2.h" "$(includes 'idn2\.h' $(files $all))"
only base/text.c "utf8proc.h" "$(includes 'utf8proc\.h' $(files $all))"

# Only these files store or show instants. Waits and ages are by um_ticks(), because the calendar
# jumps if the clock is set.
calendar='api/api_keys.c
api/organization.c
api/sessions.c
cli/host.c
cli/import.c
cli/keys.c
cli/organizations.c
cli/prune.c
httpd/access_log.c
cli/show.c
core/status_reads.c
core/store_erase.c
httpd/caller.c
httpd/key_door.c
httpd/key_memory.c
httpd/mailing.c
httpd/pruning.c
httpd/runtime.c
httpd/sessions.c
mail/mailer.c
rest/change.c
rest/entry.c
rest/listing_query.c
rest/permission.c
scim/listing.c'
clocks=$(grep -nE 'apr_time_now|->now\(|request_time\b' $(files $all) | grep -v '/base/ticks\.h:')
for place in $calendar; do
    printf '%s\n' "$clocks" | grep -qF "$sources/$place:" ||
        fail "$place has no instant, so it must not stand in this list"
    clocks=$(printf '%s\n' "$clocks" | grep -vF "$sources/$place:")
done
[ -z "$clocks" ] || fail "a wait or an age by a clock that may be set: use um_ticks()" "$clocks"

names='UM_DIALECT_(SQLITE|POSTGRESQL|MARIADB)|strcmp\(.*"(sqlite3|pgsql|mysql)"'
only 'db/dialect\.[ch]' "a database's name" "$(grep -nE "$names" $(files $all))"

sql='SELECT|INSERT|UPDATE|DELETE FROM|CREATE|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|PRAGMA|WHERE|VALUES'
only '\(db/\(dialect\.c\|filter_sql\.c\|list\.h\|list_sql\.c\)\|core/filter_[a-z]*\.c\)' "SQL" \
    "$(strings $(files $all) | grep -E ":[0-9]+:(.*[^A-Za-z_])?($sql)([^A-Za-z_]|\$)")"

[ "$failures" -eq 0 ] && echo "layers: all rules hold"
exit $((failures != 0))
