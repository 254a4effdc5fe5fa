// b2auth from C#, by P/Invoke. Shows what is no secret.
using System;
using System.Runtime.InteropServices;

static class Native
{
    const string B2 = "b2auth";

    [DllImport(B2)] public static extern IntPtr b2_library_version();
    [DllImport(B2)] public static extern IntPtr b2_status_name(int status);
    [DllImport(B2)] public static extern int b2_authorize_with([MarshalAs(UnmanagedType.LPUTF8Str)] string keyId,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string key, IntPtr options, out Session session, out IntPtr error);
    [DllImport(B2)] public static extern int b2_authorize_json([MarshalAs(UnmanagedType.LPUTF8Str)] string request, out IntPtr response);
    [DllImport(B2)] public static extern void b2_string_free(IntPtr text);
    [DllImport(B2)] public static extern IntPtr b2_session_account_id(Session session);
    [DllImport(B2)] public static extern IntPtr b2_session_api_url(Session session);
    [DllImport(B2)] public static extern IntPtr b2_session_download_url(Session session);
    [DllImport(B2)] public static extern IntPtr b2_session_authorization_token(Session session);
    [DllImport(B2)] public static extern ulong b2_session_recommended_part_size(Session session);
    [DllImport(B2)] public static extern void b2_session_free(IntPtr session);
    [DllImport(B2)] public static extern IntPtr b2_error_message(IntPtr error);
    [DllImport(B2)] public static extern IntPtr b2_error_hint(IntPtr error);
    [DllImport(B2)] public static extern void b2_error_free(IntPtr error);

    public static string Text(IntPtr text) => Marshal.PtrToStringUTF8(text);
}

// A handle: kept while a call uses it, freed once.
sealed class Session : SafeHandle
{
    Session() : base(IntPtr.Zero, true) { }
    public override bool IsInvalid => handle == IntPtr.Zero;
    protected override bool ReleaseHandle() { Native.b2_session_free(handle); return true; }

    public string AccountId => Native.Text(Native.b2_session_account_id(this));
    public string ApiUrl => Native.Text(Native.b2_session_api_url(this));
    public string DownloadUrl => Native.Text(Native.b2_session_download_url(this));
    public string AuthorizationToken => Native.Text(Native.b2_session_authorization_token(this));
    public ulong RecommendedPartSize => Native.b2_session_recommended_part_size(this);

    public static Session Authorize(string keyId = null, string key = null)
    {
        int status = Native.b2_authorize_with(keyId, key, IntPtr.Zero, out Session session, out IntPtr error);
        return status == 0 ? session : throw new B2Exception(status, error);
    }
}

sealed class B2Exception : Exception
{
    public readonly int Status;
    public readonly string Hint;

    public B2Exception(int status, IntPtr error) : base(Native.Text(Native.b2_error_message(error)))
    {
        Status = status;
        Hint = Native.Text(Native.b2_error_hint(error));
        Native.b2_error_free(error);
    }
}

static class Host
{
    static void Main()
    {
        Console.WriteLine($"version {Native.Text(Native.b2_library_version())}");
        using (var session = Session.Authorize())
        {
            Console.WriteLine($"account {session.AccountId}\napi {session.ApiUrl}\ndownload {session.DownloadUrl}");
            Console.WriteLine($"token {(session.AuthorizationToken.Length > 20 ? "yes" : "no")}\npart {session.RecommendedPartSize}");
        }
        try { Session.Authorize(Environment.GetEnvironmentVariable("B2_APPLICATION_KEY_ID"), "K001wrong"); }
        catch (B2Exception error)
        {
            Console.WriteLine($"wrong key {error.Status} {Native.Text(Native.b2_status_name(error.Status))}\nmessage {error.Message}\nhint {error.Hint}");
        }
        int status = Native.b2_authorize_json("{\"fields\": \"action\"}", out IntPtr response);
        Console.WriteLine($"json {status} {(Native.Text(response).Contains("\"accountId\":\"4aa9865d6f00\"") ? "yes" : "no")}");
        Native.b2_string_free(response);
    }
}
