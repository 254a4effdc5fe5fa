/* The report of b2_diagnose_json() for a person. */
#ifndef B2AUTH_CLI_DOCTOR_H
#define B2AUTH_CLI_DOCTOR_H

/* Prints the report to standard output, in colour if `colour` is not 0. */
void print_report(const char *report, int colour);

#endif
