# Licensed under the Apache License, Version 2.0; see the file LICENSE.
#
# bash completion for usermgmtctl: commands and options as its --help has them.

_usermgmtctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local help nouns words=() word

    case $previous in
        --config | --params | --output | --report)
            COMPREPLY=($(compgen -f -- "$current"))
            return
            ;;
        --driver | --wait | --org | --older-than | --map | --expires-in | --allow-from | --grace)
            return
            ;;
        --role)
            COMPREPLY=($(compgen -W 'admin' -- "$current"))
            return
            ;;
        --format)
            COMPREPLY=($(compgen -W 'ndjson csv' -- "$current"))
            return
            ;;
    esac
    help=$("${COMP_WORDS[0]}" --help 2>/dev/null) || return
    if [[ $previous == --permissions ]]; then
        COMPREPLY=($(compgen -W "$(sed -n 's/^Permissions: //p' <<<"$help")" -- "$current"))
        return
    fi
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' <<<"$help")" -- "$current"))
        return
    fi
    nouns=$(sed -n 's/^  \([a-z]*\) [a-z].*/\1/p' <<<"$help" | sort -u)
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if grep -qx -- "$word" <<<"$nouns"; then
            words+=("$word")
        fi
    done
    if [[ ${#words[@]} -eq 0 ]]; then
        COMPREPLY=($(compgen -W "$nouns" -- "$current"))
    elif [[ $previous == "${words[0]}" ]]; then
        COMPREPLY=($(compgen -W "$(sed -n "s/^  ${words[0]} \([a-z]*\).*/\1/p" <<<"$help")" \
            -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}

complete -F _usermgmtctl usermgmtctl
