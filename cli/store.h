/* What is in a token store, for a person. */
#ifndef B2AUTH_CLI_STORE_H
#define B2AUTH_CLI_STORE_H

/* Prints the report of b2_diagnose_json() with the option `diagnose` at store or purge. */
void print_store(const char *report);

#endif
