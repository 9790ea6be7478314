#!/bin/sh
# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Tries build/embed-queries.awk: which texts it writes, which files it refuses, and
# which calls the compiler refuses.
set -eu

top=${srcdir:-$(dirname "$0")/../..}
script=$top/build/embed-queries.awk
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
mkdir -p "$dir/mod_usermgmt/db"
echo 'typedef long long apr_int64_t; typedef unsigned long apr_size_t;' >"$dir/apr.h"
echo 'typedef struct apr_pool_t apr_pool_t;' >"$dir/apr_pools.h"
header=$dir/mod_usermgmt/db/queries.h
flags="-Werror=int-conversion -Werror=incompatible-pointer-types -Werror=override-init"
failures=0

embed() { ${AWK:-awk} -v out="$1" -f "$script" "$dir/a.sql"; }

fault()
{
    echo "queries.sh: $1" >&2
    failures=$((failures + 1))
}

# The file of standard input is refused with a message that holds $1.
refuses()
{
    cat >"$dir/a.sql"
    if embed source >"$dir/out" 2>"$dir/err"; then
        fault "accepted, though it should be refused with: $1"
    elif ! grep -qF -- "$1" "$dir/err"; then
        fault "refused with: $(cat "$dir/err"), instead of: $1"
    fi
}

# The generated source holds $1.
writes() { grep -qF -- "$1" "$dir/queries.c" || fault "the source lacks: $1"; }

# compile FILE FLAG...
compile()
{
    file=$1
    shift
    ${CC:-cc} -std=gnu99 -Wall -Wextra "$@" -I"$dir" -I"$top" -c -o "$dir/o" "$file" 2>"$dir/err"
}

# With the flags that configure gives every build, whatever the warnings are: a call of $1;
# $2 is in the compiler's message, or empty where it compiles without a warning.
call()
{
    cat >"$dir/call.c" <<END
#include "mod_usermgmt/db/statements.h"
const um_bind_t *get(const um_bind_t *bind);
const void *test(const char *text);
const void *test(const char *text) { (void)text; return get(UM_BIND($1)); }
END
    if [ -z "$2" ]; then
        compile "$dir/call.c" -Werror || fault "UM_BIND($1): $(cat "$dir/err")"
    elif compile "$dir/call.c" $flags; then
        fault "compiles: UM_BIND($1)"
    elif ! grep -q -- "$2" "$dir/err"; then
        fault "UM_BIND($1): $(cat "$dir/err")"
    fi
}

refuses '`lock` has no text for postgresql' <<'END'
-- types: id int
-- name: lock (sqlite)
SELECT 1
END
refuses 'unknown fragment `nobody`' <<'END'
-- types: id int
-- name: get
SELECT {nobody}
END
refuses '`get` has the parameter `id` without a type' <<'END'
-- name: get
SELECT :id
END
refuses 'unknown database `oracle`' <<'END'
-- name: get (oracle)
SELECT 1
END
refuses 'a second text of `get` for all' <<'END'
-- name: get
SELECT 1
-- name: get
SELECT 2
END
refuses 'its fragments hold each other' <<'END'
-- fragment: a
{b}
-- fragment: b
{a}
-- name: get
SELECT {a}
END
refuses '`nmae:` is unknown; known are types:, fragment:, name:, since:' <<'END'
-- nmae: get
SELECT 1
END
refuses '`-- since:` stands below a `-- name:`' <<'END'
-- fragment: get
-- since: 2
SELECT 1
END
refuses '`two` is no version of the schema; it is a number from 1 on' <<'END'
-- name: get
-- since: two
SELECT 1
END
refuses '`get` is of version 2, too' <<'END'
-- name: get
-- since: 2
SELECT 1
-- name: get (sqlite)
-- since: 3
SELECT 1
END
refuses '`get` is empty' <<'END'
-- name: get
END

refuses '`put` has a second [ or a parameter before it' <<'END'
-- types: id int
-- name: put
INSERT INTO t SELECT :id, x FROM (VALUES [(:id)]) x
END
refuses '`put` has a ] without its [' <<'END'
-- types: id int
-- name: put
INSERT INTO t VALUES (:id)]
END
refuses '`put` has a [ without its ] or a parameter behind it' <<'END'
-- types: id int
-- name: put
INSERT INTO t VALUES [(:id)
END
refuses '`put` has a [ without its ] or a parameter behind it' <<'END'
-- types: id int
-- name: put
INSERT INTO t VALUES [(:id)] ON CONFLICT DO UPDATE SET id = :id
END

cat >"$dir/a.sql" <<'END'
-- types: id int, *_at int
-- fragment: row
id = :id AND
name <> :name

-- name: change
UPDATE t SET name = :name, changed_at = :changed_at,
    rest = ':x 5%' WHERE {row}
-- name: lock
SELECT id::int FROM t WHERE {row} FOR UPDATE
-- name: lock (sqlite, mariadb)
SELECT 1
-- name: look
-- since: 7
SELECT {all}
-- fragment: all
5%2, "a"
-- name: put
INSERT INTO t VALUES [(:id, '[]', :name)] ON CONFLICT DO NOTHING
END
embed header >"$header"
embed source >"$dir/queries.c"
compile "$dir/queries.c" -Werror || fault "the source: $(cat "$dir/err")"
writes "name = %s, changed_at = %lld, rest = ':x 5%%' WHERE id = %lld AND name <> %s"
writes 'order_of_change_sqlite[] = { 0, 1, 2, 0 }'
writes 'SELECT id::int FROM t WHERE id = %lld AND name <> %s FOR UPDATE'
writes '{ "look", NULL, UM_COUNT_OF_look, 7, {'
writes '{ "lock", members_of_lock, UM_COUNT_OF_lock, 1, {'
writes 'order_of_lock_postgresql[] = { 0, 1 }'
writes "INSERT INTO t VALUES (%lld, '[]', %s) ON CONFLICT DO NOTHING"
writes 'order_of_put_sqlite, 2, 21, 16 },'
writes 'order_of_change_sqlite, 4, 0, 0 },'
grep -qF '"5%%2, \"a\""' "$header" || fault "the header lacks the fragment: all"

call 'look' ''
call 'lock, .id = 1, .name = text' ''
call 'change, .changed_at = 1, .id = 2, .name = text' ''
call 'change, .nmae = text, .changed_at = 1, .id = 2' 'nmae'
call 'change, .name = 5, .changed_at = 1, .id = 2' 'pointer'
call 'change, .name = text, .changed_at = 1, .id = text' 'integer'
call 'change, .name = text, .changed_at = 1' 'a value of change is missing'
call 'change, .name = text, .name = text, .changed_at = 1' 'overr'
call 'look, .id = 1' 'one too many'
call 'cahnge, .id = 1' 'cahnge'

[ "$failures" -eq 0 ]
