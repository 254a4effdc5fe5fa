/*
 * Reads the JSON that the library wrote: valid, and with no name twice in an object. A value is a pointer to where it
 * begins; nothing is copied, and nothing is allocated.
 */
#ifndef B2AUTH_CLI_JSON_H
#define B2AUTH_CLI_JSON_H

#include <stddef.h>
#include <stdio.h>

/* The value of a member of an object; NULL if `object` is NULL or no object, or has no such member. */
const char *json_member(const char *object, const char *name);

/* The first item of an array, or NULL; and the one behind an item, or NULL. */
const char *json_first(const char *array);
const char *json_next(const char *item);

/* How many bytes a value has. */
size_t json_size(const char *value);

/* 1 if a value is this string, which has no character that JSON escapes. */
int json_is(const char *value, const char *string);

/* 1 if there is a value and it is not null. */
int json_is_set(const char *value);

/* Prints a value: a string without quotes and escapes, null as nothing, anything else as JSON. */
void json_print(FILE *out, const char *value);

#endif
