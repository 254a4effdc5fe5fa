{ b2auth from Free Pascal. Shows what is no secret. }
program Host;
{$mode objfpc}{$H+}{$linklib b2auth}

uses
  SysUtils;

type
  TSession = Pointer;
  TError = Pointer;

function b2_library_version: PAnsiChar; cdecl; external;
function b2_status_name(Status: LongInt): PAnsiChar; cdecl; external;
function b2_authorize_with(KeyId, Key: PAnsiChar; Options: Pointer; out Session: TSession;
  out Error: TError): LongInt; cdecl; external;
function b2_authorize_json(Request: PAnsiChar; out Response: PAnsiChar): LongInt; cdecl; external;
procedure b2_string_free(Text: PAnsiChar); cdecl; external;
function b2_session_account_id(Session: TSession): PAnsiChar; cdecl; external;
function b2_session_api_url(Session: TSession): PAnsiChar; cdecl; external;
function b2_session_download_url(Session: TSession): PAnsiChar; cdecl; external;
function b2_session_authorization_token(Session: TSession): PAnsiChar; cdecl; external;
function b2_session_recommended_part_size(Session: TSession): QWord; cdecl; external;
procedure b2_session_free(Session: TSession); cdecl; external;
function b2_error_message(Error: TError): PAnsiChar; cdecl; external;
function b2_error_hint(Error: TError): PAnsiChar; cdecl; external;
procedure b2_error_free(Error: TError); cdecl; external;

function YesNo(Yes: Boolean): string;
begin
  if Yes then Result := 'yes' else Result := 'no';
end;

var
  Session: TSession;
  Error: TError;
  Status: LongInt;
  Response: PAnsiChar;
begin
  WriteLn('version ', b2_library_version);
  Status := b2_authorize_with(nil, nil, nil, Session, Error);
  if Status <> 0 then
    raise Exception.Create(b2_error_message(Error));
  try
    WriteLn('account ', b2_session_account_id(Session));
    WriteLn('api ', b2_session_api_url(Session));
    WriteLn('download ', b2_session_download_url(Session));
    WriteLn('token ', YesNo(StrLen(b2_session_authorization_token(Session)) > 20));
    WriteLn('part ', b2_session_recommended_part_size(Session));
  finally
    b2_session_free(Session);
  end;

  Status := b2_authorize_with(PAnsiChar(GetEnvironmentVariable('B2_APPLICATION_KEY_ID')), 'K001wrong', nil, Session, Error);
  WriteLn('wrong key ', Status, ' ', b2_status_name(Status));
  WriteLn('message ', b2_error_message(Error));
  WriteLn('hint ', b2_error_hint(Error));
  b2_error_free(Error);

  Status := b2_authorize_json('{"fields": "action"}', Response);
  WriteLn('json ', Status, ' ', YesNo(Pos('"accountId":"4aa9865d6f00"', Response) > 0));
  b2_string_free(Response);
end.
