/// b2auth from D. Shows what is no secret.
module host;
import std.conv : to;
import std.json : parseJSON;
import std.process : environment;
import std.stdio : writeln;
import std.string : fromStringz, toStringz;

struct b2_session;
struct b2_error;
extern (C) nothrow @nogc
{
    const(char)* b2_library_version();
    const(char)* b2_status_name(int status);
    int b2_authorize_with(const(char)* keyId, const(char)* key, const(void)* options, b2_session**, b2_error**);
    int b2_authorize_json(const(char)* request, char** response);
    void b2_string_free(char* text);
    const(char)* b2_session_account_id(const(b2_session)* session);
    const(char)* b2_session_api_url(const(b2_session)* session);
    const(char)* b2_session_download_url(const(b2_session)* session);
    const(char)* b2_session_authorization_token(const(b2_session)* session);
    ulong b2_session_recommended_part_size(const(b2_session)* session);
    void b2_session_free(b2_session* session);
    const(char)* b2_error_message(const(b2_error)* error);
    const(char)* b2_error_hint(const(b2_error)* error);
    void b2_error_free(b2_error* error);
}

class B2Exception : Exception
{
    immutable int status;
    immutable string hint;
    this(int status, b2_error* error)
    {
        super(b2_error_message(error).to!string);
        this.status = status;
        hint = b2_error_hint(error).to!string;
        b2_error_free(error);
    }
}

/// A session that is freed at the end of its scope.
struct Session
{
    b2_session* handle;
    @disable this(this);
    ~this() { b2_session_free(handle); }
}

Session authorize(string keyId = null, string key = null)
{
    Session session;
    b2_error* error;
    const status = b2_authorize_with(keyId ? keyId.toStringz : null, key ? key.toStringz : null, null,
            &session.handle, &error);
    if (status) throw new B2Exception(status, error);
    return session;
}

void main()
{
    writeln("version ", b2_library_version().to!string);
    const session = authorize();
    writeln("account ", b2_session_account_id(session.handle).to!string);
    writeln("api ", b2_session_api_url(session.handle).to!string);
    writeln("download ", b2_session_download_url(session.handle).to!string);
    writeln("token ", b2_session_authorization_token(session.handle).fromStringz.length > 20 ? "yes" : "no");
    writeln("part ", b2_session_recommended_part_size(session.handle));

    try
        authorize(environment["B2_APPLICATION_KEY_ID"], "K001wrong");
    catch (B2Exception error)
        writeln("wrong key ", error.status, " ", b2_status_name(error.status).to!string,
                "\nmessage ", error.msg, "\nhint ", error.hint);
    char* response;
    const status = b2_authorize_json(`{"fields": "action"}`, &response);
    scope (exit) b2_string_free(response);
    const known = parseJSON(response.fromStringz)["accountId"].str == "4aa9865d6f00";
    writeln("json ", status, " ", known ? "yes" : "no");
}
