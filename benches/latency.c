/* What a call costs, beside malloc + free of as many bytes as a tensor takes, and memcpy, in the same run. */
#define _POSIX_C_SOURCE 200809L
#include "astensor/astensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 10000, ROUNDS = 150, ROWS = 7 };

static float source_data[24], destination_data[24];
static int64_t shape[3] = {2, 3, 4}, strides[3] = {12, 4, 1};
static DLTensor source, destination;
static tensor_t *target;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void borrow(void)
{
    tensor_t *tensor;
    tensor_as_tensor(&source, NULL, &tensor);
    tensor_release(tensor);
}

static void view(void)
{
    tensor_t *tensor;
    tensor_transpose(target, 0, 1, &tensor);
    tensor_release(tensor);
}

static void retain(void)
{
    tensor_retain(target);
    tensor_release(target);
}

static void copy(void)
{
    tensor_t *tensor;
    tensor_copy(&source, NULL, &tensor);
    tensor_release(tensor);
}

static void copy_into(void)
{
    tensor_copy_into(target, &source, NULL);
}

static void allocate(void)
{
    void *volatile memory = malloc(160);
    free(memory);
}

static void copy_bytes(void)
{
    static void *(*volatile copier)(void *, const void *, size_t) = memcpy;
    copier(destination_data, source_data, sizeof source_data);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*call)(void);
    } rows[ROWS] = {
        {"malloc(160) + free", allocate}, {"memcpy of 96 bytes", copy_bytes}, {"retain + release", retain},
        {"borrow + release", borrow}, {"view + release", view}, {"copy_into of 24 float32", copy_into},
        {"copy of 24 float32 + release", copy},
    };
    source.data = source_data;
    source.device.device_type = kDLCPU;
    source.ndim = 3;
    source.dtype.code = kDLFloat;
    source.dtype.bits = 32;
    source.dtype.lanes = 1;
    source.shape = shape;
    source.strides = strides;
    destination = source;
    destination.data = destination_data;
    if (tensor_as_tensor(&destination, NULL, &target) != TENSOR_OK) {
        fprintf(stderr, "%s\n", tensor_last_error());
        return 1;
    }
    /* Short rounds, each kind of call in turn: the best of each saw the machine at its quietest. */
    double best[ROWS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int r = 0; r < ROWS; r++) {
            double start = now();
            for (int i = 0; i < CALLS; i++) {
                rows[r].call();
            }
            double each = (now() - start) / CALLS;
            best[r] = round == 0 || each < best[r] ? each : best[r];
        }
    }
    for (int r = 0; r < ROWS; r++) {
        printf("%-30s %8.1f ns %8.1f x malloc + free\n", rows[r].name, best[r], best[r] / best[0]);
    }
    tensor_release(target);
    return 0;
}
