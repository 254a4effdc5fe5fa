#include "json.h"

#include <string.h>

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind a string that begins at `at`. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

/* Behind a value that begins at `at`. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (*at != '\0' && (depth > 0 || strchr(",}] \t\r\n", *at) == NULL));
    return at;
}

const char *json_member(const char *object, const char *name)
{
    size_t length = strlen(name);
    const char *at;

    if (object == NULL || *object != '{')
        return NULL;
    for (at = skip_blanks(object + 1); *at == '"'; at = skip_blanks(at + 1)) {
        const char *end = skip_string(at);
        const char *value = skip_blanks(skip_blanks(end) + 1); /* over the colon */

        if ((size_t)(end - at) == length + 2 && memcmp(at + 1, name, length) == 0)
            return value;
        at = skip_blanks(skip_value(value));
        if (*at != ',')
            break;
    }
    return NULL;
}

const char *json_first(const char *array)
{
    const char *at;

    if (array == NULL || *array != '[')
        return NULL;
    at = skip_blanks(array + 1);
    return *at != ']' && *at != '\0' ? at : NULL;
}

const char *json_next(const char *item)
{
    const char *at = skip_blanks(skip_value(item));

    return *at == ',' ? skip_blanks(at + 1) : NULL;
}

size_t json_size(const char *value)
{
    return (size_t)(skip_value(value) - value);
}

int json_is(const char *value, const char *string)
{
    size_t length = strlen(string);

    return value != NULL && *value == '"' && strncmp(value + 1, string, length) == 0 && value[length + 1] == '"';
}

int json_is_set(const char *value)
{
    return value != NULL && strncmp(value, "null", 4) != 0;
}

static unsigned hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = strchr(digits, digit | 0x20);

    return digit != '\0' && found != NULL ? (unsigned)(found - digits) : 0;
}

/* Four hex digits; what the library escapes so is below U+0080. */
static void print_code(FILE *out, const char *digits)
{
    unsigned code = hex_digit(digits[0]) << 12 | hex_digit(digits[1]) << 8 | hex_digit(digits[2]) << 4
                    | hex_digit(digits[3]);

    fputc((int)(code & 0x7f), out);
}

static void print_string(FILE *out, const char *at)
{
    static const char escapes[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    for (at++; *at != '"' && *at != '\0'; at++) {
        const char *escape;

        if (*at != '\\') {
            fputc(*at, out);
            continue;
        }
        at++;
        escape = *at != '\0' ? strchr(escapes, *at) : NULL;
        if (escape != NULL)
            fputc(meanings[escape - escapes], out);
        else if (*at == 'u' && strlen(at) > 4) {
            print_code(out, at + 1);
            at += 4;
        } else if (*at != '\0')
            fputc(*at, out);
    }
}

void json_print(FILE *out, const char *value)
{
    if (!json_is_set(value))
        return;
    if (*value == '"')
        print_string(out, value);
    else
        fwrite(value, 1, json_size(value), out);
}
