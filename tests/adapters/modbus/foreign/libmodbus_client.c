/* A client on libmodbus: libmodbus_client tcp HOST PORT UNIT, or rtu PATH BAUD UNIT.
 * stdin, one order a line: "read TABLE ADDRESS COUNT", "float ORDER TABLE ADDRESS" (abcd, badc, cdab, dcba),
 * "as TYPE TABLE ADDRESS COUNT" (a number of so many registers, high word first), "set TABLE ADDRESS VALUE" (functions 5 and 6), "write TABLE ADDRESS VALUE..." (15 and 16), "mask ADDRESS AND OR" (22),
 * "exchange READ COUNT WRITE VALUE..." (23). stdout, a line for each: numbers, "ok", or "error" and why. */
#include "line.h"

#include <inttypes.h>

#define MOST 2000

static int bits_of(const char *table)
{
    return strcmp(table, "coil") == 0 || strcmp(table, "discrete") == 0;
}

static int registers(modbus_t *line, const char *table, int at, int count, uint16_t *into)
{
    return strcmp(table, "input") == 0 ? modbus_read_input_registers(line, at, count, into)
                                       : modbus_read_registers(line, at, count, into);
}

static int read_out(modbus_t *line, const char *table, int at, int count)
{
    uint16_t words[MOST];
    uint8_t bits[MOST];
    int done = strcmp(table, "coil") == 0       ? modbus_read_bits(line, at, count, bits)
               : strcmp(table, "discrete") == 0 ? modbus_read_input_bits(line, at, count, bits)
                                                : registers(line, table, at, count, words);
    for (int place = 0; place < done; place++)
        printf("%s%d", place ? " " : "", bits_of(table) ? bits[place] : words[place]);
    return done;
}

static int float_out(modbus_t *line, const char *order, const char *table, int at)
{
    uint16_t words[2];
    int done = registers(line, table, at, 2, words);
    if (done > 0)
        printf("%.9g", strcmp(order, "badc") == 0   ? modbus_get_float_badc(words)
                       : strcmp(order, "cdab") == 0 ? modbus_get_float_cdab(words)
                       : strcmp(order, "dcba") == 0 ? modbus_get_float_dcba(words)
                                                    : modbus_get_float_abcd(words));
    return done;
}

static int number_out(modbus_t *line, const char *type, const char *table, int at, int count)
{
    uint16_t words[4];
    int done = registers(line, table, at, count, words);
    if (done != count)
        return -1;
    if (strcmp(type, "int16") == 0)
        printf("%d", (int16_t)words[0]);
    else if (strcmp(type, "uint16") == 0)
        printf("%d", words[0]);
    else if (strcmp(type, "int32") == 0)
        printf("%" PRId32, (int32_t)MODBUS_GET_INT32_FROM_INT16(words, 0));
    else if (strcmp(type, "uint32") == 0)
        printf("%" PRIu32, (uint32_t)MODBUS_GET_INT32_FROM_INT16(words, 0));
    else if (strcmp(type, "int64") == 0)
        printf("%" PRId64, (int64_t)MODBUS_GET_INT64_FROM_INT16(words, 0));
    else if (strcmp(type, "uint64") == 0)
        printf("%" PRIu64, (uint64_t)MODBUS_GET_INT64_FROM_INT16(words, 0));
    else
        printf("%.9g", modbus_get_float_abcd(words));
    return done;
}

static int write_in(modbus_t *line, const char *table, int at, const int *values, int count)
{
    uint16_t words[MOST];
    uint8_t bits[MOST];
    for (int place = 0; place < count; place++) {
        words[place] = (uint16_t)values[place];
        bits[place] = (uint8_t)values[place];
    }
    return bits_of(table) ? modbus_write_bits(line, at, count, bits) : modbus_write_registers(line, at, count, words);
}

static int exchange(modbus_t *line, const int *given, int count)
{
    uint16_t words[MOST], back[MOST];
    for (int place = 3; place < count; place++)
        words[place - 3] = (uint16_t)given[place];
    int done = modbus_write_and_read_registers(line, given[2], count - 3, words, given[0], given[1], back);
    for (int place = 0; place < done; place++)
        printf("%s%d", place ? " " : "", back[place]);
    return done;
}

/* The numbers that stand in what is left of the line. */
static int numbers(int *into)
{
    int count = 0;
    for (char *word; count < MOST && (word = strtok(NULL, " \n")) != NULL;)
        into[count++] = atoi(word);
    return count;
}

static int carry_out(modbus_t *line, const char *what, int *tells)
{
    int given[MOST];
    const char *kind = strcmp(what, "float") == 0 || strcmp(what, "as") == 0 ? strtok(NULL, " \n") : NULL;
    const char *table = strcmp(what, "mask") == 0 || strcmp(what, "exchange") == 0 ? "" : strtok(NULL, " \n");
    int count = numbers(given);
    *tells = 1;
    if (strcmp(what, "read") == 0)
        return read_out(line, table, given[0], given[1]);
    if (strcmp(what, "float") == 0)
        return float_out(line, kind, table, given[0]);
    if (strcmp(what, "as") == 0)
        return number_out(line, kind, table, given[0], given[1]);
    if (strcmp(what, "exchange") == 0)
        return exchange(line, given, count);
    *tells = 0;
    if (strcmp(what, "mask") == 0)
        return modbus_mask_write_register(line, given[0], (uint16_t)given[1], (uint16_t)given[2]);
    if (strcmp(what, "write") == 0)
        return write_in(line, table, given[0], given + 1, count - 1);
    return bits_of(table) ? modbus_write_bit(line, given[0], given[1]) : modbus_write_register(line, given[0], (uint16_t)given[1]);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    modbus_t *line = line_of(argv[1], argv[2], atoi(argv[3]));
    must(modbus_set_slave(line, atoi(argv[4])), "unit");
    must(modbus_connect(line), argv[2]);
    char text[16 * MOST];
    while (fgets(text, sizeof text, stdin) != NULL) {
        int tells;
        if (carry_out(line, strtok(text, " \n"), &tells) < 0)
            printf("error %s", modbus_strerror(errno));
        else if (!tells)
            printf("ok");
        puts("");
        fflush(stdout);
    }
    modbus_close(line);
    modbus_free(line);
    return 0;
}
