/* The line of a program: tcp HOST PORT, or rtu PATH BAUD; 8 data bits, even parity, one stop bit. */
#ifndef LINE_H
#define LINE_H

#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static modbus_t *line_of(const char *kind, const char *where, int number)
{
    modbus_t *line = strcmp(kind, "rtu") == 0 ? modbus_new_rtu(where, number, 'E', 8, 1) : modbus_new_tcp(where, number);
    if (line == NULL) {
        fprintf(stderr, "%s %s: %s\n", kind, where, modbus_strerror(errno));
        exit(1);
    }
    return line;
}

static void must(int done, const char *what)
{
    if (done < 0) {
        fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
        exit(1);
    }
}

#endif
