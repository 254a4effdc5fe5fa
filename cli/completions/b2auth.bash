# Completion of b2auth for bash.

# GENERATED OPTIONS by `make header`
_b2auth_settings='
realm= profile= account_info= cache= min_remaining_s= store= store_required= credentials= log_level=
max_attempts= initial_backoff_ms= max_backoff_ms= connect_timeout_ms= attempt_timeout_ms=
total_timeout_ms= batch_timeout_ms= negative_ttl_s= rate_limit_per_minute= proxy= ca_file=
user_agent= concurrency= fields= diagnose= cache=use cache=refresh cache=bypass store_required=0
store_required=1 credentials=any credentials=given log_level=error log_level=warn log_level=info
log_level=debug fields=action fields=all diagnose=all diagnose=store diagnose=purge
'
# END GENERATED

_b2auth() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} setting= words
    # Bash takes = for a word of its own: what belongs together is put together.
    if [[ $before = '=' && $COMP_CWORD -ge 3 ]]; then
        setting=${COMP_WORDS[COMP_CWORD - 2]}= before=${COMP_WORDS[COMP_CWORD - 3]}
    elif [[ $word = '=' && $COMP_CWORD -ge 2 ]]; then
        setting=$before= word= before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $before in
        --set)
            # Names first, and the words of a name once it stands there.
            words=$(tr -s ' ' '\n' <<<"$_b2auth_settings")
            if [[ -n $setting ]]; then
                words=$(sed -n "s/^$setting//p" <<<"$words")
            else
                words=$(grep '=$' <<<"$words")
                compopt -o nospace 2>/dev/null
            fi
            ;;
        --field)
            words='accountId keyId realm authorizationToken apiUrl downloadUrl s3ApiUrl s3Region recommendedPartSize
                absoluteMinimumPartSize allowed applicationKeyExpirationTimestamp expiresAt'
            ;;
        store) words='list purge' ;;
        *)
            words='--all --field --export --check --refresh --set --verbose --options --help --version'
            [[ " ${COMP_WORDS[*]} " = *' doctor '* || ${COMP_WORDS[1]} = store ]] && words='--json --set --verbose --help'
            [[ $COMP_CWORD = 1 ]] && words="$words doctor store -"
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _b2auth b2auth
