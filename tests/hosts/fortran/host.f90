! b2auth from Fortran, by its interoperability with C. Shows what is no secret.
module b2
  use, intrinsic :: iso_c_binding
  implicit none
  interface
    function b2_authorize_with(key_id, key, options, session, error) bind(c) result(status)
      import
      type(c_ptr), value :: key_id, key, options
      type(c_ptr), intent(out) :: session, error
      integer(c_int) :: status
    end function
    function b2_authorize_json_into(request, buffer, size) bind(c) result(length)
      import
      character(kind=c_char), intent(in) :: request(*)
      character(kind=c_char), intent(out) :: buffer(*)
      integer(c_size_t), value :: size
      integer(c_size_t) :: length
    end function
    ! What these give belongs to the handle.
    type(c_ptr) function b2_session_account_id(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_session_api_url(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_session_download_url(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_session_authorization_token(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_error_message(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_error_hint(handle) bind(c); import; type(c_ptr), value :: handle; end function
    type(c_ptr) function b2_status_name(status) bind(c); import; integer(c_int), value :: status; end function
    type(c_ptr) function b2_library_version() bind(c); import; end function
    ! Fortran has no unsigned integers; part sizes are far below 2**63.
    integer(c_int64_t) function b2_session_recommended_part_size(handle) bind(c); import; type(c_ptr), value :: handle; end function
    subroutine b2_session_free(handle) bind(c); import; type(c_ptr), value :: handle; end subroutine
    subroutine b2_error_free(handle) bind(c); import; type(c_ptr), value :: handle; end subroutine
    integer(c_size_t) function c_strlen(text) bind(c, name="strlen"); import; type(c_ptr), value :: text; end function
  end interface
contains
  function string(text)
    type(c_ptr), intent(in) :: text
    character(:), allocatable :: string
    character(kind=c_char), pointer :: characters(:)
    call c_f_pointer(text, characters, [c_strlen(text)])
    allocate (character(size(characters)) :: string)
    string = transfer(characters, string)
  end function
end module

program host
  use b2
  implicit none
  type(c_ptr) :: session, error
  integer(c_int) :: status
  character(200), target :: key_id
  character(10), target :: key = "K001wrong" // c_null_char
  character(8192) :: json

  print "(2a)", "version ", string(b2_library_version())
  status = b2_authorize_with(c_null_ptr, c_null_ptr, c_null_ptr, session, error)
  if (status /= 0) error stop "no session"
  print "(2a)", "account ", string(b2_session_account_id(session))
  print "(2a)", "api ", string(b2_session_api_url(session))
  print "(2a)", "download ", string(b2_session_download_url(session))
  print "(2a)", "token ", trim(merge("yes", "no ", c_strlen(b2_session_authorization_token(session)) > 20))
  print "(a, i0)", "part ", b2_session_recommended_part_size(session)
  call b2_session_free(session)

  call get_environment_variable("B2_APPLICATION_KEY_ID", key_id)
  key_id = trim(key_id) // c_null_char
  status = b2_authorize_with(c_loc(key_id), c_loc(key), c_null_ptr, session, error)
  print "(a, i0, 2a)", "wrong key ", status, " ", string(b2_status_name(status))
  print "(2a)", "message ", string(b2_error_message(error))
  print "(2a)", "hint ", string(b2_error_hint(error))
  call b2_error_free(error)

  if (b2_authorize_json_into('{"fields": "action"}' // c_null_char, json, len(json, c_size_t)) >= len(json)) error stop "too long"
  status = merge(0, 1, index(json, '"error"') == 0)
  print "(a, i0, 2a)", "json ", status, " ", trim(merge("yes", "no ", index(json, '"accountId":"4aa9865d6f00"') > 0))
end program
