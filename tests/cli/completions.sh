# Its completions and its man page. Sourced by run.sh.

with_bash() {
    command -v bash >/dev/null || { echo "SKIP cli: completion by bash: it is missing"; return; }
    cat >complete.bash <<'END'
source "$1/cli/completions/b2auth.bash"
shift
COMP_WORDS=(b2auth "$@") COMP_CWORD=$#
_b2auth
echo "${COMPREPLY[*]}"
END
    completes() { is "what bash makes of $1" "$2" "$(bash complete.bash "$source" $1 2>&1)"; }
    completes "--exp" "--export"
    completes "doc" "doctor"
    completes "--field s3" "s3ApiUrl s3Region"
    completes "--set ca" "cache= ca_file="
    completes "--set cache = r" "refresh"
    completes "doctor --j" "--json"
    completes "store p" "purge"
    completes "store list --j" "--json"
    for name in $(cat known); do completes "--set $name=" "$name="; done
}
verdict "bash completes it" with_bash

with_zsh() {
    command -v zsh >/dev/null || { echo "SKIP cli: completion by zsh: it is missing (Debian: zsh)"; return; }
    # A terminal of its own, in which TAB is pressed; what stands there afterwards must have the word.
    cat >complete.zsh <<'END'
zmodload zsh/zpty
until_it_says() { local text line i; for i in {1..400}; do
    while zpty -r -t z line; do text+=$line; done; [[ $text = *$1* ]] && return 0; sleep 0.05; done; print -r -- "$text"; return 1 }
zpty z zsh -f -i
zpty -w z "fpath=($1/cli/completions \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word; print READ''Y"
until_it_says READY || exit 1
zpty -n -w z "$2"$'\t'
until_it_says "$3"
END
    completes() { zsh -f complete.zsh "$source" "$1" "$2" >said 2>&1 </dev/null || wrong "zsh does not make $2 of $1"; }
    completes "b2auth --exp" "--export"
    completes "b2auth doc" "doctor"
    completes "b2auth store pu" "purge"
    completes "b2auth --field s3R" "s3Region"
    completes "b2auth --set cac" "cache="
    completes "b2auth --set cache=re" "cache=refresh"
}
verdict "zsh completes it" with_zsh

with_fish() {
    command -v fish >/dev/null || { echo "SKIP cli: completion by fish: it is missing (Debian: fish)"; return; }
    completes() {
        said=$(HOME=$work fish --no-config -c "source $source/cli/completions/b2auth.fish; complete -C'b2auth $1'" | cut -f 1 | tr '\n' ' ')
        is "what fish makes of $1" "$2 " "$said"
    }
    completes "--exp" "--export"
    completes "doc" "doctor"
    completes "--field s3" "s3ApiUrl s3Region"
    completes "--set cache=" "cache= cache=bypass cache=refresh cache=use"
    completes "doctor --js" "--json"
    completes "store p" "purge"
}
verdict "fish completes it" with_fish

manual() {
    page=$source/docs/man/b2auth.1
    for flag in $(cat flags) doctor "store list" "store purge"; do
        grep -q -e "$(printf '%s' "$flag" | sed 's/-/\\\\-/g')" "$page" || wrong "b2auth.1 has no $flag"
    done
    for number in $(cat numbers) 64 74; do grep -q "^\.B $number\$" "$page" || wrong "b2auth.1 has no exit status $number"; done
}
verdict "b2auth.1 has every flag and exit status" manual
