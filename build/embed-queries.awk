# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# Turns files of named SQL statements into a C header or a C source:
#
#     awk -v out=header -f embed-queries.awk users.sql invitations.sql …
#     awk -v out=source -f embed-queries.awk users.sql invitations.sql …
#
# A file names once the parameters that are numbers; all others are texts:
#
#     -- types: org_id int, *_at int
#
# and then holds pieces of SQL, each below a line with its name:
#
#     -- fragment: NAME             replaces {NAME} in a statement
#     -- name: NAME                 the statement for all databases
#     -- name: NAME (mariadb)       its text for one database, or for several of them
#     -- since: 3                   below a name: the version of the schema that its tables
#                                   came with; the default is 1
#
# A parameter of a statement is written :name. A percent sign is not doubled. A part in square
# brackets is repeated, with commas between, if the statement is run for many rows at once
# (UM_BIND_ROWS() of db/statements.h); all parameters then stand in it. Other comments
# are left out; they must not begin with a lower-case word and a colon.
#
# For a statement NAME the header has the number UM_STMT_NAME and the struct um_bind_NAME,
# which UM_BIND() of db/statements.h fills. A fragment without parameters is UM_SQL_NAME there,
# for the statements of lists, which are composed in C.

function fail(message)
{
    print "embed-queries.awk: " message > "/dev/stderr"
    failed = 1
    exit 1
}

function at_line() { return FILENAME ":" FNR ": " }

function check_name(name)
{
    if (name !~ /^[a-z][a-z0-9_]*$/) {
        fail(at_line() "`" name "` is no name; a name is small letters, digits and _")
    }
}

# Returns the text behind the first colon of a line.
function after_colon(line)
{
    sub(/^[^:]*:[ \t]*/, "", line)
    return line
}

function read_types(line,    list, n, i, word)
{
    if (FILENAME in has_types) {
        fail(at_line() "a second `-- types:`; a file has one")
    }
    has_types[FILENAME] = 1
    n = split(line, list, /[ \t]*,[ \t]*/)
    for (i = 1; i <= n; i++) {
        if (split(list[i], word, /[ \t]+/) != 2 || (word[2] != "int" && word[2] != "text")) {
            fail(at_line() "`" list[i] "` is no type; a type is a name and `int` or `text`")
        }
        if (word[1] ~ /^\*/) {
            ending[++endings] = substr(word[1], 2)
            ending_file[endings] = FILENAME
            ending_type[endings] = word[2]
        } else {
            type_of[FILENAME, word[1]] = word[2]
        }
    }
}

function start_fragment(name)
{
    check_name(name)
    key = "fragment" SUBSEP name
    if (key in text) {
        fail(at_line() "a second fragment `" name "`")
    }
    text[key] = ""
    fragments[++fragment_count] = name
}

function start_text(name, base)
{
    key = name SUBSEP base
    if (key in text) {
        fail(at_line() "a second text of `" name "` for " base)
    }
    text[key] = ""
    place[key] = at_line()
}

function start_statement(line,    name, bases, list, n, i)
{
    name = line
    sub(/[ \t]*\(.*$/, "", name)
    check_name(name)
    if (!(name in file_of)) {
        names[++name_count] = name
        file_of[name] = FILENAME
    } else if (file_of[name] != FILENAME) {
        fail(at_line() "`" name "` is a statement of " file_of[name] ", too")
    }
    if (line !~ /\(/) {
        start_text(name, "all")
        return
    }
    bases = line
    sub(/^[^(]*\([ \t]*/, "", bases)
    sub(/[ \t]*\).*$/, "", bases)
    n = split(bases, list, /[ \t]*,[ \t]*/)
    for (i = 1; i <= n; i++) {
        if (!(list[i] in is_base)) {
            fail(at_line() "unknown database `" list[i] "`; known are sqlite, postgresql, mariadb")
        }
        start_text(name, list[i])
        also[key] = i > 1 ? name SUBSEP list[1] : ""
    }
    key = name SUBSEP list[1]
}

# Reads the version of the statement above.
function read_since(version,    part)
{
    split(key, part, SUBSEP)
    if (!(part[1] in file_of)) {
        fail(at_line() "`-- since:` stands below a `-- name:`")
    }
    if (version !~ /^[1-9][0-9]*$/) {
        fail(at_line() "`" version "` is no version of the schema; it is a number from 1 on")
    }
    if ((part[1] in since) && since[part[1]] != version) {
        fail(at_line() "`" part[1] "` is of version " since[part[1]] ", too")
    }
    since[part[1]] = version
}

# Returns a text in which fragments have replaced their names.
function expand(sql, where, depth,    name, before, after)
{
    if (depth > 8) {
        fail(where "its fragments hold each other")
    }
    while (match(sql, /\{[a-z0-9_]+\}/)) {
        name = substr(sql, RSTART + 1, RLENGTH - 2)
        if (!(("fragment" SUBSEP name) in text)) {
            fail(where "unknown fragment `" name "`")
        }
        before = substr(sql, 1, RSTART - 1)
        after = substr(sql, RSTART + RLENGTH)
        sql = before expand(text["fragment", name], where, depth + 1) after
    }
    return sql
}

function find_type(file, parameter,    i, tail)
{
    if ((file, parameter) in type_of) {
        return type_of[file, parameter]
    }
    for (i = 1; i <= endings; i++) {
        tail = ending[i]
        if (ending_file[i] == file && length(parameter) > length(tail) \
            && substr(parameter, length(parameter) - length(tail) + 1) == tail) {
            return ending_type[i]
        }
    }
    return (file in has_types) ? "text" : ""
}

# Adds a parameter to those of the statement, and to those of this text of it.
function take_parameter(name, parameter,    type)
{
    type = find_type(file_of[name], parameter)
    if (type == "") {
        fail(file_of[name] ": `" name "` has the parameter `" parameter \
             "` without a type; the file needs a line `-- types:`")
    }
    if (!((name, parameter) in number_of)) {
        number_of[name, parameter] = ++members[name]
        member[name, members[name]] = parameter
        member_type[name, members[name]] = type
    }
    order = order (orders++ ? ", " : "") number_of[name, parameter] - 1
    return type == "int" ? "%lld" : "%s"
}

# Notes where the part for one row begins or ends in the text so far. All parameters must stand
# in it.
function take_bracket(name, bracket, result)
{
    if (bracket == "[" && (row_start >= 0 || orders)) {
        fail(file_of[name] ": `" name "` has a second [ or a parameter before it")
    }
    if (bracket == "]" && (row_start < 0 || row_length)) {
        fail(file_of[name] ": `" name "` has a ] without its [")
    }
    if (bracket == "[") {
        row_start = length(result)
    } else {
        row_length = length(result) - row_start
        row_orders = orders
    }
}

# Returns a text with placeholders. Sets order to the list of its parameters, orders to their
# number, and row_start and row_length to the part for one row. Text in quotes has no parameters.
function bind(name, sql,    result, c, rest, quoted)
{
    result = ""
    order = ""
    orders = 0
    quoted = 0
    row_start = -1
    row_length = 0
    while (sql != "") {
        c = substr(sql, 1, 1)
        rest = substr(sql, 2)
        if (c == "'") {
            quoted = !quoted
        }
        if (c == "%") {
            c = "%%"
        } else if (!quoted && substr(sql, 1, 2) == "::") {
            c = "::"
            rest = substr(sql, 3)
        } else if (!quoted && c == ":" && match(rest, /^[a-z][a-z0-9_]*/)) {
            c = take_parameter(name, substr(rest, 1, RLENGTH))
            rest = substr(rest, RLENGTH + 1)
        } else if (!quoted && (c == "[" || c == "]")) {
            take_bracket(name, c, result)
            c = ""
        }
        result = result c
        sql = rest
    }
    if (row_start >= 0 && (!row_length || row_orders != orders)) {
        fail(file_of[name] ": `" name "` has a [ without its ] or a parameter behind it")
    }
    return result
}

function resolve(name, base,    from)
{
    from = name SUBSEP base
    if (!(from in text)) {
        from = name SUBSEP "all"
    }
    if (!(from in text)) {
        fail(file_of[name] ": `" name "` has no text for " base)
    }
    if (also[from] != "") {
        from = also[from]
    }
    if (text[from] == "") {
        fail(place[from] "`" name "` is empty")
    }
    bound[name, base] = bind(name, expand(text[from], place[from], 0))
    order_of[name, base] = order
    order_count[name, base] = orders
    row_of[name, base] = row_length ? row_start ", " row_length : "0, 0"
}

# Writes the fragments without parameters, from which C composes statements.
function write_fragments(    i, sql)
{
    print ""
    for (i = 1; i <= fragment_count; i++) {
        sql = expand(text["fragment", fragments[i]], fragments[i] ": ", 0)
        if (sql !~ /:[a-z]/) {
            gsub(/%/, "%%", sql)
            print "#define UM_SQL_" toupper(fragments[i]) " \\\n    " quote(sql)
        }
    }
}

function quote(sql)
{
    gsub(/\\/, "&&", sql)
    gsub(/"/, "\\\"", sql)
    gsub(/\?/, "\\?", sql)
    return "\"" sql "\""
}

function write_header(    i, j, name)
{
    print "#ifndef UM_DB_QUERIES_H\n#define UM_DB_QUERIES_H\n\n#include <apr.h>\n"
    print "typedef enum um_statement_id_t {"
    for (i = 1; i <= name_count; i++) {
        print "    UM_STMT_" toupper(names[i]) ","
    }
    print "    UM_STMT_COUNT\n} um_statement_id_t;"
    for (i = 1; i <= name_count; i++) {
        name = names[i]
        print "\n#define UM_STMT_OF_" name " UM_STMT_" toupper(name)
        print "#define UM_COUNT_OF_" name " " members[name] + 0
        print "struct um_bind_" name " {"
        for (j = 1; j <= members[name]; j++) {
            print "    " (member_type[name, j] == "int" ? "apr_int64_t " : "const char *") \
                  member[name, j] ";"
        }
        # ISO C has no empty struct.
        print (members[name] ? "" : "    char none;\n") "};"
    }
    write_fragments()
    print "\n#endif"
}

# Databases whose order of parameters is the same share the list.
function write_order(name, b,    i)
{
    for (i = 1; i < b; i++) {
        if (order_of[name, bases[i]] == order_of[name, bases[b]]) {
            order_name[name, b] = order_name[name, i]
            return
        }
    }
    if (order_count[name, bases[b]] == 0) {
        order_name[name, b] = "NULL"
        return
    }
    order_name[name, b] = "order_of_" name "_" bases[b]
    print "static const unsigned char " order_name[name, b] "[] = { " \
          order_of[name, bases[b]] " };"
    print "_Static_assert(sizeof(" order_name[name, b] ") <= UM_ARGUMENTS_MAX,\n" \
          "               \"" name " has too many placeholders\");"
}

function write_source(    i, j, b, name)
{
    print "#include \"mod_usermgmt/db/statements.h\"\n\n#include <stddef.h>"
    for (i = 1; i <= name_count; i++) {
        name = names[i]
        if (!members[name]) {
            continue
        }
        print "\nstatic const um_member_t members_of_" name "[] = {"
        for (j = 1; j <= members[name]; j++) {
            print "    { offsetof(struct um_bind_" name ", " member[name, j] "), " \
                  (member_type[name, j] == "int") " },"
        }
        print "};"
        print "_Static_assert(UM_COUNT_OF_" name " <= UM_VALUES_MAX,\n" \
              "               \"" name " has too many parameters\");"
        for (b = 1; b <= 3; b++) {
            write_order(name, b)
        }
    }
    print "\nconst um_query_t um_queries[UM_STMT_COUNT] = {"
    for (i = 1; i <= name_count; i++) {
        name = names[i]
        print "    { \"" name "\", " (members[name] ? "members_of_" name : "NULL") ", " \
              "UM_COUNT_OF_" name ", " (name in since ? since[name] : 1) ", {"
        for (b = 1; b <= 3; b++) {
            print "        [UM_DIALECT_" toupper(bases[b]) "] = {\n            " \
                  quote(bound[name, bases[b]]) ",\n            " \
                  (members[name] ? order_name[name, b] : "NULL") ", " \
                  order_count[name, bases[b]] ", " row_of[name, bases[b]] " },"
        }
        print "    } },"
    }
    print "};"
}

BEGIN {
    if (out != "header" && out != "source") {
        fail("give what to write: -v out=header or -v out=source")
    }
    split("sqlite postgresql mariadb", bases, " ")
    for (i = 1; i <= 3; i++) {
        is_base[bases[i]] = 1
    }
}

FNR == 1 { key = "" }

{ sub(/[ \t\r]+$/, ""); sub(/^[ \t]+/, "") }

/^-- types:/ { read_types(after_colon($0)); next }
/^-- fragment:/ { start_fragment(after_colon($0)); next }
/^-- name:/ { start_statement(after_colon($0)); next }
/^-- since:/ { read_since(after_colon($0)); next }
/^-- [a-z]+:/ { fail(at_line() "`" $2 "` is unknown; known are types:, fragment:, name:, since:") }
/^--/ || /^$/ { next }

{
    if (key == "") {
        fail(at_line() "SQL before the first `-- name:` or `-- fragment:`")
    }
    text[key] = text[key] (text[key] == "" ? "" : " ") $0
}

END {
    if (failed) {
        exit 1
    }
    if (!name_count) {
        fail("no statement given")
    }
    for (i = 1; i <= name_count; i++) {
        for (b = 1; b <= 3; b++) {
            resolve(names[i], bases[b])
        }
    }
    print "/* Made by build/embed-queries.awk from mod_usermgmt/db/queries; don't edit. */"
    if (out == "header") {
        write_header()
    } else {
        write_source()
    }
}
