/* For R: authorize(key_id, key) is b2_authorize_with(), as a list of what it got or an error of class b2_error. */
#include <b2auth.h>
#include <R.h>
#include <Rinternals.h>

static SEXP text(const char *string) { return string ? Rf_mkString(string) : R_NilValue; }
static const char *given(SEXP string) { return Rf_isNull(string) ? NULL : CHAR(STRING_ELT(string, 0)); }

static SEXP named(const char *const *names, const SEXP *values, int count) {
    SEXP list = PROTECT(Rf_allocVector(VECSXP, count)), labels = PROTECT(Rf_allocVector(STRSXP, count));
    for (int at = 0; at < count; at++) {
        SET_VECTOR_ELT(list, at, values[at]);
        SET_STRING_ELT(labels, at, Rf_mkChar(names[at]));
    }
    Rf_setAttrib(list, R_NamesSymbol, labels);
    UNPROTECT(2);
    return list;
}

SEXP version(void) { return text(b2_library_version()); }

SEXP authorize(SEXP key_id, SEXP key) {
    b2_session *session;
    b2_error *error;
    b2_status status = b2_authorize_with(given(key_id), given(key), NULL, &session, &error);
    SEXP values[5], list;
    if (status == B2_OK) {
        const char *names[] = {"account_id", "api_url", "download_url", "authorization_token", "part_size"};
        values[0] = PROTECT(text(b2_session_account_id(session)));
        values[1] = PROTECT(text(b2_session_api_url(session)));
        values[2] = PROTECT(text(b2_session_download_url(session)));
        values[3] = PROTECT(text(b2_session_authorization_token(session)));
        values[4] = PROTECT(Rf_ScalarReal((double)b2_session_recommended_part_size(session)));
        list = named(names, values, 5);
    } else {
        const char *names[] = {"message", "hint", "status", "name", "call"};
        values[0] = PROTECT(text(b2_error_message(error)));
        values[1] = PROTECT(text(b2_error_hint(error)));
        values[2] = PROTECT(Rf_ScalarInteger((int)status));
        values[3] = PROTECT(text(b2_status_name((int)status)));
        values[4] = PROTECT(R_NilValue);
        list = named(names, values, 5);
    }
    UNPROTECT(5);
    b2_session_free(session);
    b2_error_free(error);
    return list;
}

SEXP authorize_json(SEXP request) {
    char *response;
    const char *names[] = {"status", "answer"};
    SEXP values[2], list;
    values[0] = PROTECT(Rf_ScalarInteger((int)b2_authorize_json(given(request), &response)));
    values[1] = PROTECT(text(response));
    b2_string_free(response);
    list = named(names, values, 2);
    UNPROTECT(2);
    return list;
}
