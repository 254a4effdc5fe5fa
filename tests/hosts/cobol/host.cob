*> b2auth from GnuCOBOL. Shows what is no secret.
*> The text action fills a buffer, so no C string has to be read.
identification division.
program-id. host.
data division.
working-storage section.
01 session usage pointer.
01 failure usage pointer.
01 no-value usage pointer value null.
01 c-text usage pointer.
01 text-length usage binary-double unsigned.
*> CALL cuts a returned number to 32 bits, but not a pointer.
01 returned usage pointer.
01 part-size redefines returned usage binary-double unsigned.
01 code-number usage binary-long.
01 shown pic z(18)9.
01 key-id pic x(200).
01 c-key-id pic x(201).
01 request pic x(40) value z'{"fields": "action"}'.
01 answer pic x(8192).
01 hits usage binary-long value zero.
linkage section.
01 c-chars pic x(1000).

procedure division.
    call "b2_library_version" returning c-text
    display "version " no advancing
    perform show-text

    call "b2_authorize_with" using by value no-value no-value
        no-value by reference session failure
        returning code-number
    if code-number not = 0 stop run returning 1.
    display "account " no advancing
    call "b2_session_account_id" using by value session returning c-text
    perform show-text
    display "api " no advancing
    call "b2_session_api_url" using by value session returning c-text
    perform show-text
    display "download " no advancing
    call "b2_session_download_url" using by value session returning c-text
    perform show-text
    call "b2_session_authorization_token" using by value session returning c-text
    call "strlen" using by value c-text returning text-length
    if text-length > 20 display "token yes".
    call "b2_session_recommended_part_size" using by value session returning returned
    move part-size to shown
    display "part " function trim(shown)
    call "b2_session_free" using by value session

    accept key-id from environment "B2_APPLICATION_KEY_ID"
    string function trim(key-id) x"00" into c-key-id
    call "b2_authorize_with" using by reference c-key-id
        by reference z"K001wrong" by value no-value
        by reference session failure returning code-number
    move code-number to shown
    display "wrong key " function trim(shown) " " no advancing
    call "b2_status_name" using by value code-number returning c-text
    perform show-text
    display "message " no advancing
    call "b2_error_message" using by value failure returning c-text
    perform show-text
    display "hint " no advancing
    call "b2_error_hint" using by value failure returning c-text
    perform show-text
    call "b2_error_free" using by value failure

    call "b2_authorize_json_into" using by reference request
        answer by value length of answer
        returning text-length
    inspect answer tallying hits for all '"error"'
    if hits = 0 display "json 0 " no advancing.
    inspect answer tallying hits for all '"accountId":"4aa9865d6f00"'
    if hits = 1 display "yes" else display "no".
    stop run returning 0.

show-text.
    call "strlen" using by value c-text returning text-length
    set address of c-chars to c-text
    display c-chars(1:text-length).
