# Completion of b2auth for fish.

# GENERATED OPTIONS by `make header`
set -g __b2auth_settings \
    realm= profile= account_info= cache= min_remaining_s= store= store_required= credentials= log_level= \
    max_attempts= initial_backoff_ms= max_backoff_ms= connect_timeout_ms= attempt_timeout_ms= \
    total_timeout_ms= batch_timeout_ms= negative_ttl_s= rate_limit_per_minute= proxy= ca_file= \
    user_agent= concurrency= fields= diagnose= cache=use cache=refresh cache=bypass store_required=0 \
    store_required=1 credentials=any credentials=given log_level=error log_level=warn log_level=info \
    log_level=debug fields=action fields=all diagnose=all diagnose=store diagnose=purge
# END GENERATED

set -l fields accountId keyId realm authorizationToken apiUrl downloadUrl s3ApiUrl s3Region recommendedPartSize \
    absoluteMinimumPartSize allowed applicationKeyExpirationTimestamp expiresAt

complete -c b2auth -f
complete -c b2auth -n __fish_is_first_arg -a doctor -d 'The way to B2 step by step'
complete -c b2auth -n __fish_is_first_arg -a store -d 'What is in the token store'
complete -c b2auth -n '__fish_seen_subcommand_from store; and not __fish_seen_subcommand_from list purge' -a list -d 'Show it'
complete -c b2auth -n '__fish_seen_subcommand_from store; and not __fish_seen_subcommand_from list purge' -a purge -d 'Remove what is dead'
complete -c b2auth -n __fish_is_first_arg -a - -d 'The response to a JSON request on standard input'
complete -c b2auth -l all -d 'Everything there is to know, as JSON'
complete -c b2auth -l field -x -a "$fields" -d 'One value, bare'
complete -c b2auth -l export -d 'Lines for a shell'
complete -c b2auth -l check -d 'Nothing: the exit status tells'
complete -c b2auth -l refresh -d 'Get a new token'
complete -c b2auth -l set -x -a '$__b2auth_settings' -d 'Set an option of the library'
complete -c b2auth -l verbose -d 'Say what is done, when and why'
complete -c b2auth -l options -d 'List the options of the library'
complete -c b2auth -l json -n '__fish_seen_subcommand_from doctor store' -d 'The report as JSON'
complete -c b2auth -s h -l help -d 'How to use it'
complete -c b2auth -l version -d 'Its version'
