#!/bin/sh
# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# With the flags of every build, the compiler refuses a function that answers with a problem
# but does not return it. UM_CFLAGS and UM_CPPFLAGS are those of the build.
set -eu

top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
failures=0

fault()
{
    echo "refusals.sh: $1" >&2
    failures=$((failures + 1))
}

# compile STATEMENTS: those of a handler, without --enable-werror.
compile()
{
    cat >"$dir/handler.c" <<END
#include "mod_usermgmt/rest/problem.h"
apr_status_t handle(um_answer_t *answer, const um_faults_t *faults, apr_pool_t *pool);
apr_status_t handle(um_answer_t *answer, const um_faults_t *faults, apr_pool_t *pool)
{
    (void)faults;
    (void)pool;
    $1
}
END
    # shellcheck disable=SC2086
    ${CC:-cc} $(echo " $UM_CFLAGS " | sed 's/ -Werror / /') $UM_CPPFLAGS -I"$top" -c \
        -o "$dir/o" "$dir/handler.c" 2>"$dir/err"
}

for call in 'um_problem_answer(answer, 409, "exists", pool, "There is one.");' \
    'um_problem_answer_forbidden(answer, "user", NULL, pool);' \
    'um_problem_answer_unidentified(answer, NULL, pool);' \
    'um_problem_answer_faults(answer, faults);'; do
    compile "return $call" || fault "does not compile: return $call $(cat "$dir/err")"
    if compile "$call return APR_SUCCESS;"; then
        fault "compiles without a return: $call"
    elif ! grep -q 'unused.result' "$dir/err"; then
        fault "$call $(cat "$dir/err")"
    fi
done

[ "$failures" -eq 0 ]
