/* Reads of 124 registers on libmodbus over TCP, one after the other, over some connections by turns:
 * libmodbus PORT CONNECTIONS. stdin: for how many seconds, a line a round. stdout, a line for each: how many requests
 * there were, seconds that passed, seconds of CPU. */
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REGISTERS 124

static double now(clockid_t which)
{
    struct timespec time;
    clock_gettime(which, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int count = atoi(argv[2]);
    modbus_t **lines = calloc((size_t)count, sizeof *lines);
    for (int place = 0; place < count; place++) {
        lines[place] = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
        if (modbus_set_slave(lines[place], 1) < 0 || modbus_connect(lines[place]) < 0) {
            perror("libmodbus");
            return 1;
        }
    }
    double seconds;
    while (scanf("%lf", &seconds) == 1) {
        double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), passed;
        long done = 0;
        do {
            for (int place = 0; place < count; place++, done++) {
                uint16_t registers[REGISTERS];
                if (modbus_read_registers(lines[place], 0, REGISTERS, registers) != REGISTERS) {
                    perror("libmodbus");
                    return 1;
                }
            }
            passed = now(CLOCK_MONOTONIC) - begin;
        } while (passed < seconds);
        printf("%ld %f %f\n", done, passed, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        fflush(stdout);
    }
    return 0;
}
