/* A package for Tcl: the command "b2authorize ?request?" is b2_authorize_json(). */
#include <b2auth.h>
#include <stdio.h>
#include <tcl.h>

static int authorize(ClientData data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    char *response;
    char number[12];
    b2_status status;

    (void)data;
    if (objc > 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "?request?");
        return TCL_ERROR;
    }
    status = b2_authorize_json(objc == 2 ? Tcl_GetString(objv[1]) : NULL, &response);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(response, -1));
    b2_string_free(response);
    if (status == B2_OK) return TCL_OK;
    snprintf(number, sizeof number, "%d", (int)status);
    Tcl_SetErrorCode(interp, "B2", number, b2_status_name((int)status), NULL);
    return TCL_ERROR;
}

int B_Init(Tcl_Interp *interp) {
    if (Tcl_InitStubs(interp, "8.6", 0) == NULL) return TCL_ERROR;
    Tcl_CreateObjCommand(interp, "b2authorize", authorize, NULL, NULL);
    Tcl_SetVar(interp, "b2version", b2_library_version(), TCL_GLOBAL_ONLY);
    return Tcl_PkgProvide(interp, "B", b2_library_version());
}
