/* A session on standard output. */
#ifndef B2AUTH_CLI_SESSION_H
#define B2AUTH_CLI_SESSION_H

#include <b2auth.h>

#include "args.h"

void print_session(const b2_session *session, const struct args *args);

#endif
