/* What the command is asked for. */
#ifndef B2AUTH_CLI_ARGS_H
#define B2AUTH_CLI_ARGS_H

/* Exit statuses of our own, numbered as in sysexits.h. */
enum { WRONG_USAGE = 64, IO_FAILED = 74 };

/* What a flag stands for. The first are the forms of output, of which a call has one. */
enum flag {
    FOUR_FIELDS, ALL, FIELD, EXPORT, CHECK, REQUEST, DOCTOR, STORE, REFRESH, SET, VERBOSE, JSON, OPTIONS, HELP, VERSION
};

struct args {
    enum flag form;
    const char *form_name; /* as it was given, or NULL */
    const char *field;
    int purge;
    int refresh, verbose, json;
    char **settings; /* NAME=VALUE each */
    int setting_count;
};

/* Reads the arguments, or exits: with a message if they are wrong, else once help, version or options are printed. */
void read_arguments(int count, char **arguments, struct args *args);

/* The status to exit with. What was printed must have arrived: a full disk is no success. */
int printed(int status);

#endif
