/* A device on libmodbus: libmodbus_server tcp HOST PORT UNIT, or rtu PATH BAUD UNIT.
 * stdin: what its memory holds, "TABLE ADDRESS VALUE" a line, ended by "serve". stdout: "ready". One client at a time. */
#include "line.h"

#include <unistd.h>

static void hold(modbus_mapping_t *memory, const char *table, int at, int value)
{
    if (strcmp(table, "coil") == 0)
        memory->tab_bits[at] = (uint8_t)value;
    else if (strcmp(table, "discrete") == 0)
        memory->tab_input_bits[at] = (uint8_t)value;
    else if (strcmp(table, "input") == 0)
        memory->tab_input_registers[at] = (uint16_t)value;
    else
        memory->tab_registers[at] = (uint16_t)value;
}

static void serve(modbus_t *line, modbus_mapping_t *memory)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int size = modbus_receive(line, request);
        if (size < 0)
            return;
        if (size > 0)
            modbus_reply(line, request, size, memory);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    modbus_mapping_t *memory = modbus_mapping_new(65536, 65536, 65536, 65536);
    char table[16];
    int at, value;
    while (scanf("%15s", table) == 1 && strcmp(table, "serve") != 0 && scanf("%d %d", &at, &value) == 2)
        hold(memory, table, at, value);
    modbus_t *line = line_of(argv[1], argv[2], atoi(argv[3]));
    must(modbus_set_slave(line, atoi(argv[4])), "unit");
    if (strcmp(argv[1], "rtu") == 0) {
        must(modbus_connect(line), argv[2]);
        puts("ready");
        fflush(stdout);
        for (;;)
            serve(line, memory);
    }
    int listening = modbus_tcp_listen(line, 1);
    must(listening, argv[2]);
    puts("ready");
    fflush(stdout);
    for (;;) {
        must(modbus_tcp_accept(line, &listening), "accept");
        serve(line, memory);
        modbus_close(line);
    }
}
