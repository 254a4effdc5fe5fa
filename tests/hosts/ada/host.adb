--  b2auth from Ada, by its interface to C. Shows what is no secret.
with Ada.Environment_Variables;
with Ada.Strings.Fixed;
with Ada.Text_IO; use Ada.Text_IO;
with Interfaces; use Interfaces;
with Interfaces.C.Strings; use Interfaces.C.Strings;
with System; use System;

procedure Host is
   use type Interfaces.C.int;

   subtype Handle is System.Address;

   function Library_Version return chars_ptr with Import, Convention => C, External_Name => "b2_library_version";
   function Status_Name (Status : C.int) return chars_ptr
     with Import, Convention => C, External_Name => "b2_status_name";
   function Authorize_With
     (Key_Id, Key : chars_ptr; Options : Handle; Session, Error : out Handle) return C.int
     with Import, Convention => C, External_Name => "b2_authorize_with";
   function Authorize_Json (Request : chars_ptr; Response : out chars_ptr) return C.int
     with Import, Convention => C, External_Name => "b2_authorize_json";
   procedure String_Free (Text : chars_ptr) with Import, Convention => C, External_Name => "b2_string_free";
   function Account_Id (Session : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_session_account_id";
   function Api_Url (Session : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_session_api_url";
   function Download_Url (Session : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_session_download_url";
   function Authorization_Token (Session : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_session_authorization_token";
   function Recommended_Part_Size (Session : Handle) return Unsigned_64
     with Import, Convention => C, External_Name => "b2_session_recommended_part_size";
   procedure Session_Free (Session : Handle) with Import, Convention => C, External_Name => "b2_session_free";
   function Error_Message (Error : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_error_message";
   function Error_Hint (Error : Handle) return chars_ptr
     with Import, Convention => C, External_Name => "b2_error_hint";
   procedure Error_Free (Error : Handle) with Import, Convention => C, External_Name => "b2_error_free";

   function Image (Number : C.int) return String is
     (Ada.Strings.Fixed.Trim (Number'Image, Ada.Strings.Left));
   function Yes_No (Yes : Boolean) return String is (if Yes then "yes" else "no");

   Session, Error : Handle;
   Status         : C.int;
   Response       : chars_ptr;
   Key_Id         : chars_ptr := New_String (Ada.Environment_Variables.Value ("B2_APPLICATION_KEY_ID"));
   Wrong          : chars_ptr := New_String ("K001wrong");
   Request        : chars_ptr := New_String ("{""fields"": ""action""}");
begin
   Put_Line ("version " & Value (Library_Version));
   Status := Authorize_With (Null_Ptr, Null_Ptr, Null_Address, Session, Error);
   if Status /= 0 then
      raise Program_Error with Value (Error_Message (Error));
   end if;
   Put_Line ("account " & Value (Account_Id (Session)));
   Put_Line ("api " & Value (Api_Url (Session)));
   Put_Line ("download " & Value (Download_Url (Session)));
   Put_Line ("token " & Yes_No (Integer (Strlen (Authorization_Token (Session))) > 20));
   Put_Line ("part" & Recommended_Part_Size (Session)'Image);
   Session_Free (Session);

   Status := Authorize_With (Key_Id, Wrong, Null_Address, Session, Error);
   Put_Line ("wrong key " & Image (Status) & " " & Value (Status_Name (Status)));
   Put_Line ("message " & Value (Error_Message (Error)));
   Put_Line ("hint " & Value (Error_Hint (Error)));
   Error_Free (Error);

   Status := Authorize_Json (Request, Response);
   Put_Line
     ("json " & Image (Status) & " "
      & Yes_No (Ada.Strings.Fixed.Index (Value (Response), """accountId"":""4aa9865d6f00""") > 0));
   String_Free (Response);
   Free (Key_Id);
   Free (Wrong);
   Free (Request);
end Host;
