/*
 * Mixed precision: the weights are a float32 array of the program's own, the work is done on a bfloat16 copy of them, and the
 * gradients arrive in bfloat16 and are added up in float32, in another array of the program's own.
 *
 *     mixed_precision path/to/digits.npy
 *
 * What is fitted, by least squares and gradient descent, is a linear map from the six upper rows of 1797 handwritten digits to
 * the two lower ones. The matrix product is a kernel of this program; tensor_grad_record() makes the library pass gradients
 * through it. They are checked against finite differences before the descent begins.
 */
#include "astensor/astensor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 64, FEATURES = 48, TARGETS = 16, IMAGES_MOST = 4096, STEPS = 60 };

static const DLDataType uint8 = {kDLUInt, 8, 1}, float32 = {kDLFloat, 32, 1}, bfloat16 = {kDLBfloat, 16, 1};

static void must(tensor_status_t status, const char *what)
{
    if (status != TENSOR_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, tensor_status_name(status), tensor_last_error());
        exit(1);
    }
}

static void hold(int condition, const char *claim)
{
    if (!condition) {
        fprintf(stderr, "not so: %s\n", claim);
        exit(1);
    }
}

static DLTensor matrix(void *data, DLDataType dtype, int64_t shape[2])
{
    DLTensor tensor;
    memset(&tensor, 0, sizeof tensor);
    tensor.data = data;
    tensor.device.device_type = kDLCPU;
    tensor.dtype = dtype;
    tensor.ndim = 2;
    tensor.shape = shape;
    return tensor;
}

/** A bfloat16 is the upper half of a float. */
static float widened(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float at(const DLTensor *view, int64_t row, int64_t column)
{
    int64_t i = row * view->strides[0] + column * view->strides[1];
    return view->dtype.bits == 16 ? widened(((const uint16_t *)view->data)[i]) : ((const float *)view->data)[i];
}

/** a b in float32, as a tensor of a dtype; `turned` says which of the two is used the other way round. */
static tensor_status_t product(const DLTensor *a, int a_turned, const DLTensor *b, int b_turned, DLDataType dtype,
                               tensor_t **out)
{
    int64_t inner = a->shape[a_turned ? 0 : 1];
    int64_t shape[2] = {a->shape[a_turned ? 1 : 0], b->shape[b_turned ? 0 : 1]};
    tensor_t *result = NULL;
    tensor_status_t status = tensor_empty(&float32, NULL, 2, shape, &result);
    if (status != TENSOR_OK) {
        return status;
    }
    float *to = tensor_view(result)->data;
    for (int64_t i = 0; i < shape[0]; i++) {
        for (int64_t j = 0; j < shape[1]; j++) {
            double sum = 0;
            for (int64_t k = 0; k < inner; k++) {
                sum += (double)(a_turned ? at(a, k, i) : at(a, i, k)) * (b_turned ? at(b, j, k) : at(b, k, j));
            }
            to[i * shape[1] + j] = (float)sum;
        }
    }
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.dtype = &dtype;
    status = tensor_to(result, &options, out);
    tensor_release(result);
    return status;
}

/* The kernel: y = x w. What it needs for the way back are x and w, which the library keeps for it. */

struct linear {
    tensor_t *x, *w;
};

static tensor_status_t linear_backward(void *ctx, int32_t num_outputs, tensor_t *const *grad_outputs,
                                       int32_t num_inputs, tensor_t **grad_inputs)
{
    const struct linear *linear = ctx;
    const DLTensor *w = tensor_view(linear->w);
    (void)num_outputs;
    (void)num_inputs;
    /* The gradient of w is x' dy. That of x is not asked for: x is data. */
    return product(tensor_view(linear->x), 1, tensor_view(grad_outputs[0]), 0, w->dtype, &grad_inputs[0]);
}

static tensor_t *linear_forward(tensor_t *x, tensor_t *w)
{
    struct linear *linear = malloc(sizeof *linear);
    tensor_t *y = NULL, *saved[2] = {x, w};
    hold(linear != NULL, "there is memory");
    *linear = (struct linear){x, w};
    must(product(tensor_view(x), 0, tensor_view(w), 0, float32, &y), "product");
    must(tensor_grad_record(&w, 1, &y, 1, linear_backward, linear, free), "tensor_grad_record");
    must(tensor_grad_save(y, saved, 2), "tensor_grad_save");
    return y;
}

/** The mean of squares of y - target, and its gradient. */
static double loss_of(const DLTensor *y, const float *target, float *gradient)
{
    int64_t count = y->shape[0] * y->shape[1];
    const float *values = y->data;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double error = (double)values[i] - target[i];
        sum += error * error;
        if (gradient) {
            gradient[i] = (float)(2 * error / (double)count);
        }
    }
    return sum / (double)count;
}

/** Loads the digits and gives each pixel as a number between 0 and 1; returns how many images there are. */
static int64_t load(const char *path, float *images)
{
    static unsigned char bytes[128 + IMAGES_MOST * PIXELS];
    FILE *file = fopen(path, "rb");
    hold(file != NULL, "the file of digits is there");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    hold(size > 128 && memcmp(bytes, "\x93NUMPY", 6) == 0, "this is a .npy file");
    size_t start = 10 + (size_t)(bytes[8] | bytes[9] << 8);
    hold(start < size, "the header fits the file");
    int64_t shape[2] = {(int64_t)(size - start) / PIXELS, PIXELS};
    DLTensor data = matrix(bytes + start, uint8, shape);
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    tensor_t *pixels = NULL;
    options.dtype = &float32;
    options.nbytes = size - start;
    must(tensor_copy(&data, &options, &pixels), "tensor_copy");
    const float *values = tensor_view(pixels)->data;
    for (int64_t i = 0; i < shape[0] * PIXELS; i++) {
        images[i] = values[i] / 16;
    }
    tensor_release(pixels);
    return shape[0];
}

static float images[IMAGES_MOST * PIXELS], inputs[IMAGES_MOST * FEATURES], targets[IMAGES_MOST * TARGETS];
static float weights[FEATURES * TARGETS], gradients[FEATURES * TARGETS], of_output[IMAGES_MOST * TARGETS];

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s digits.npy\n", argv[0]);
        return 2;
    }
    int64_t count = load(argv[1], images);
    for (int64_t i = 0; i < count; i++) {
        memcpy(inputs + i * FEATURES, images + i * PIXELS, FEATURES * sizeof *inputs);
        memcpy(targets + i * TARGETS, images + i * PIXELS + FEATURES, TARGETS * sizeof *targets);
    }
    int64_t x_shape[2] = {count, FEATURES}, w_shape[2] = {FEATURES, TARGETS}, y_shape[2] = {count, TARGETS};
    DLTensor x_data = matrix(inputs, float32, x_shape), w_data = matrix(weights, float32, w_shape);
    DLTensor g_data = matrix(gradients, float32, w_shape), y_data = matrix(of_output, float32, y_shape);

    /* The weights are borrowed as a leaf, and their gradient is an array of ours too. */
    tensor_options_t leaf = TENSOR_OPTIONS_INIT, half = TENSOR_OPTIONS_INIT;
    tensor_t *x = NULL, *w = NULL, *g = NULL, *gradient = NULL;
    leaf.flags = TENSOR_FLAG_REQUIRES_GRAD;
    half.dtype = &bfloat16;
    must(tensor_as_tensor(&x_data, NULL, &x), "tensor_as_tensor");
    must(tensor_as_tensor(&w_data, &leaf, &w), "tensor_as_tensor");
    must(tensor_as_tensor(&g_data, NULL, &g), "tensor_as_tensor");
    must(tensor_as_tensor(&y_data, NULL, &gradient), "tensor_as_tensor");
    must(tensor_set_grad_buffer(w, g), "tensor_set_grad_buffer");
    hold(tensor_view(w)->data == weights, "the leaf is the program's own array");

    printf("The two lower rows of %" PRId64 " digits from the six upper ones, by least squares:\n", count);
    double first = 0, last = 0;
    for (int step = 0; step <= STEPS; step++) {
        tensor_t *working = NULL;
        must(tensor_to(w, &half, &working), "tensor_to");
        tensor_t *y = linear_forward(x, working);
        last = loss_of(tensor_view(y), targets, of_output);
        must(tensor_zero_grad(w), "tensor_zero_grad");
        must(tensor_backward(y, gradient, 0), "tensor_backward");
        if (step == 0) {
            first = last;
            char text[160];
            must(tensor_format(working, &(tensor_format_options_t){sizeof(tensor_format_options_t), 4, 0, 1, 80, 0, 0},
                               text, sizeof text, NULL),
                 "tensor_format");
            printf("  working copy of the weights: %s\n", text);
            /* The loss is a square function of each weight: its difference on both sides tells the slope exactly, up to
             * rounding. 1/8 and -1/8 are the same in bfloat16. */
            for (int i = 0; i < FEATURES * TARGETS; i += 37) {
                double sides[2];
                tensor_set_grad_enabled(false);
                for (int side = 0; side < 2; side++) {
                    tensor_t *moved = NULL, *result = NULL;
                    weights[i] = side ? 0.125f : -0.125f;
                    must(tensor_to(w, &half, &moved), "tensor_to");
                    must(product(tensor_view(x), 0, tensor_view(moved), 0, float32, &result), "product");
                    sides[side] = loss_of(tensor_view(result), targets, NULL);
                    tensor_release(result);
                    tensor_release(moved);
                }
                tensor_set_grad_enabled(true);
                weights[i] = 0;
                double slope = (sides[1] - sides[0]) / 0.25;
                hold(fabs(slope - gradients[i]) <= 1e-6 + fabs(slope) / 128, "gradients are those of finite differences");
            }
            printf("  gradients agree with finite differences\n");
        }
        if (step % 10 == 0) {
            printf("  step %2d: loss %.5f\n", step, last);
        }
        for (int i = 0; i < FEATURES * TARGETS; i++) {
            weights[i] -= 1.0f * gradients[i];
        }
        must(tensor_mark_dirty(w), "tensor_mark_dirty");
        tensor_release(y);
        tensor_release(working);
    }
    hold(last < first / 3, "the loss falls");
    tensor_release(gradient);
    tensor_release(g);
    tensor_release(w);
    tensor_release(x);
    return 0;
}
