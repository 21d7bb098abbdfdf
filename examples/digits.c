/*
 * The main job on real data: a file of 1797 handwritten digits is mapped into memory and borrowed as a tensor.
 *
 *     digits path/to/digits.npy
 *
 * Nothing is read into buffers of our own: the tensor's bytes are the mapped bytes. Then a digit is taken as a view and
 * drawn, and the whole set converted to float32 with its axes in another order, which is the one copy made here.
 */
#define _POSIX_C_SOURCE 200809L
#include "astensor/astensor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** Stops with the library's own message when a call fails. */
static void must(tensor_status_t status, const char *what)
{
    if (status != TENSOR_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, tensor_status_name(status), tensor_last_error());
        exit(1);
    }
}

/** Stops when something that was claimed does not hold. */
static void hold(int condition, const char *claim)
{
    if (!condition) {
        fprintf(stderr, "not so: %s\n", claim);
        exit(1);
    }
}

/** A file in memory. */
typedef struct {
    unsigned char *bytes;
    size_t size;
} mapping;

static mapping map_file(const char *path)
{
    struct stat info;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &info) != 0) {
        perror(path);
        exit(1);
    }
    mapping map = {NULL, (size_t)info.st_size};
    /* Private: we may write to our pages without changing the file. */
    void *bytes = mmap(NULL, map.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    map.bytes = bytes;
    return map;
}

/** Called by the library when the last alias of the mapped memory is gone. */
static void unmap(void *ctx)
{
    mapping *map = ctx;
    munmap(map->bytes, map->size);
    map->bytes = NULL;
}

/** Reads the header of a NumPy file of bytes: returns where its data begins, and its shape. */
static size_t read_npy_header(const mapping *map, int64_t shape[3])
{
    const unsigned char *bytes = map->bytes;
    hold(map->size > 12 && memcmp(bytes, "\x93NUMPY", 6) == 0, "this is a .npy file");
    hold(bytes[6] >= 1 && bytes[6] <= 3, "the .npy version is 1, 2 or 3");
    int wide = bytes[6] >= 2;
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (wide) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    }
    size_t start = wide ? 12 : 10;
    hold(length <= map->size - start, "the header fits the file");
    char *text = malloc(length + 1);
    hold(text != NULL, "there is memory for the header");
    memcpy(text, bytes + start, length);
    text[length] = 0;
    const char *sizes = strstr(text, "'shape': (");
    hold(strstr(text, "'descr': '|u1'") != NULL, "the file holds unsigned bytes");
    hold(strstr(text, "'fortran_order': False") != NULL, "the file is in row-major order");
    /* sscanf counts values only; that the third one closes the shape is seen by %n having been reached. */
    int end = 0;
    hold(sizes != NULL
             && sscanf(sizes, "'shape': (%" SCNd64 ", %" SCNd64 ", %" SCNd64 ")%n", &shape[0], &shape[1], &shape[2], &end) == 3
             && end > 0,
         "the file holds three dimensions");
    hold(shape[0] > 0 && shape[1] == 8 && shape[2] == 8, "the file holds images of 8 x 8");
    free(text);
    return start + length;
}

static void print_shape(const tensor_t *tensor)
{
    const DLTensor *view = tensor_view(tensor);
    char dtype[32];
    must(tensor_dtype_name(&view->dtype, dtype, sizeof dtype, NULL), "tensor_dtype_name");
    printf("%s (", dtype);
    for (int32_t i = 0; i < view->ndim; i++) {
        printf("%s%" PRId64, i ? ", " : "", view->shape[i]);
    }
    printf(")");
}

/** Says how a tensor came to be. */
static void explain(const char *name, const tensor_t *tensor)
{
    static const char *const reasons[] = {"dtype", "device", "layout", "alignment", "requested"};
    tensor_plan_t origin = TENSOR_PLAN_INIT;
    must(tensor_origin(tensor, &origin), "tensor_origin");
    printf("  %-10s ", name);
    print_shape(tensor);
    if (origin.action == TENSOR_ACTION_ALIAS) {
        printf(": aliased, 0 bytes moved\n");
        return;
    }
    printf(": copied, %" PRId64 " bytes written, because of", origin.bytes_moved);
    for (int i = 0; i < 5; i++) {
        if (origin.reasons & 1u << i) {
            printf(" %s", reasons[i]);
        }
    }
    printf("\n");
}

/** Draws an 8 x 8 image, two columns for a pixel. */
static void draw(const tensor_t *digit)
{
    static const char shades[] = " .:-=+*#%@";
    const DLTensor *view = tensor_view(digit);
    const unsigned char *pixels = view->data;
    for (int64_t row = 0; row < view->shape[0]; row++) {
        printf("    ");
        for (int64_t column = 0; column < view->shape[1]; column++) {
            unsigned pixel = pixels[row * view->strides[0] + column * view->strides[1]];
            char shade = shades[(pixel > 16 ? 16 : pixel) * 9 / 16];
            printf("%c%c", shade, shade);
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s digits.npy\n", argv[0]);
        return 2;
    }
    static mapping map;
    int64_t shape[3];
    map = map_file(argv[1]);
    size_t start = read_npy_header(&map, shape);

    /* Borrow: the descriptor says where the bytes are and what they mean. nbytes lets the library check that. */
    DLTensor data;
    memset(&data, 0, sizeof data);
    data.data = map.bytes + start;
    data.device.device_type = kDLCPU;
    data.dtype.code = kDLUInt;
    data.dtype.bits = 8;
    data.dtype.lanes = 1;
    data.ndim = 3;
    data.shape = shape;
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.nbytes = map.size - start;
    options.deleter = unmap;
    options.deleter_ctx = &map;
    tensor_t *digits = NULL;
    must(tensor_as_tensor(&data, &options, &digits), "tensor_as_tensor");
    printf("A file of digits, mapped and borrowed:\n");
    printf("  mapped bytes at %p\n  tensor bytes at %p\n", (void *)(map.bytes + start), tensor_view(digits)->data);
    hold(tensor_view(digits)->data == map.bytes + start, "the tensor's bytes are the mapped bytes");

    /* Both sides see what either writes. */
    unsigned char *mapped = map.bytes + start, *seen = tensor_view(digits)->data, before = mapped[0];
    mapped[0] = 16;
    hold(seen[0] == 16, "what is written to the file's pages is seen through the tensor");
    seen[0] = before;
    hold(mapped[0] == before, "what is written through the tensor is seen in the file's pages");
    printf("  written through either side, seen through the other\n\n");

    /* A view: one digit, the same bytes. */
    tensor_t *digit = NULL;
    int64_t number = 1234 % shape[0];
    must(tensor_select(digits, 0, number, &digit), "tensor_select");
    printf("Digit %" PRId64 ", a view of it:\n", number);
    draw(digit);
    hold(tensor_view(digit)->data == mapped + number * 64, "a view is the same memory");

    /* Images last, as float32, contiguous: this needs a copy, and the plan can say so. */
    static const int32_t order[3] = {1, 2, 0};
    tensor_t *permuted = NULL, *converted = NULL;
    DLDataType float32 = {kDLFloat, 32, 1};
    tensor_options_t wanted = TENSOR_OPTIONS_INIT;
    wanted.dtype = &float32;
    wanted.flags = TENSOR_FLAG_CONTIGUOUS;
    must(tensor_permute(digits, 3, order, &permuted), "tensor_permute");
    must(tensor_to(permuted, &wanted, &converted), "tensor_to");
    const float *values = tensor_view(converted)->data;
    for (int64_t image = 0; image < shape[0]; image++) {
        for (int64_t pixel = 0; pixel < 64; pixel++) {
            hold(values[pixel * shape[0] + image] == (float)mapped[image * 64 + pixel], "every pixel is converted");
        }
    }
    printf("\nWhat was aliased, what was copied, and why:\n");
    explain("digits", digits);
    explain("digit", digit);
    explain("permuted", permuted);
    explain("converted", converted);

    /* Asking that nothing be copied is a way to assert it. */
    wanted.copy = TENSOR_COPY_NEVER;
    tensor_t *refused = NULL;
    hold(tensor_to(permuted, &wanted, &refused) == TENSOR_ERROR_COPY_NEEDED, "a copy can be forbidden");
    printf("  with TENSOR_COPY_NEVER: \"%s\"\n", tensor_last_error());

    /* Handles in any order: the file is unmapped with the last one that reaches it. */
    tensor_release(digits);
    tensor_release(permuted);
    hold(map.bytes != NULL, "a view keeps the memory");
    printf("\nReleased the tensor; a view still holds the memory: %s\n", map.bytes ? "mapped" : "unmapped");
    tensor_release(digit);
    hold(map.bytes == NULL, "the last alias gives the memory back");
    printf("Released the view; the deleter has run: %s\n", map.bytes ? "mapped" : "unmapped");
    hold(values[0] == before, "the copy has its own memory");
    tensor_release(converted);
    return 0;
}
