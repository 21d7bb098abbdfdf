/*
 * Out of memory: each allocation of each entry point fails in turn, alone and with all that follow. The answer is
 * TENSOR_ERROR_OUT_OF_MEMORY, nothing leaks, no deleter runs, and destinations stay as they are. Other errors are told
 * without any memory, and a copy does without the threads that cannot be made. What is not more than has to be is counted:
 * allocations, threads, and the huge pages that large memory is asked to be of.
 *
 * This program brings its own malloc, so it runs without sanitizers and valgrind, which bring theirs.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* Of one thread: others are left alone. */
static _Thread_local int counting, allocations, fail_at, all_that_follow;
static _Thread_local long live;

/** Whether this allocation, the next of those that are counted, is one to fail. */
static int fails(void)
{
    if (!counting) {
        return 0;
    }
    allocations++;
    return allocations == fail_at || (all_that_follow && fail_at > 0 && allocations > fail_at);
}

static void *counted(void *memory)
{
    live += counting && memory;
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    if (fails()) {
        return NULL;
    }
    return memory ? __libc_realloc(memory, size) : counted(__libc_malloc(size));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = fails() ? NULL : counted(__libc_memalign(alignment, size));
    if (!memory) {
        return ENOMEM;
    }
    *out = memory;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    live -= counting && memory;
    __libc_free(memory);
}

typedef int create_thread(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static int refuse_threads, threads_asked_for;

/** The system's, unless it has no threads left. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static create_thread *real;
    threads_asked_for++;
    if (refuse_threads) {
        return EAGAIN;
    }
    if (!real) {
        /* A pointer to a function is not made from one to an object by a cast in standard C. */
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    }
    return real(thread, attributes, start, argument);
}

static int huge_pages_asked_for;
static void *huge_at;
static size_t huge_size;

/** Takes note instead of advice, which is all that it is. */
int madvise(void *memory, size_t size, int advice)
{
    if (advice == MADV_HUGEPAGE) {
        huge_pages_asked_for++;
        huge_at = memory;
        huge_size = size;
    }
    return 0;
}

static int deleted;

static void count_deletion(void *ctx)
{
    (void)ctx;
    deleted++;
}

static void managed_deleter(DLManagedTensorVersioned *self)
{
    (void)self;
    deleted++;
}

static void legacy_deleter(DLManagedTensor *self)
{
    (void)self;
    deleted++;
}

static float numbers[4096];
/* Ranks up to 8 and above are stored differently. */
static int64_t shapes[2][9] = {{8, 16, 32}, {8, 16, 32, 1, 1, 1, 1, 1, 1}};
static int32_t ndims[2] = {3, 9};
static int32_t dims[9] = {2, 1, 0, 3, 4, 5, 6, 7, 8};
static int64_t flat[1] = {4096};
static tensor_t *base, *turned;
static DLManagedTensorVersioned managed;
static DLManagedTensor legacy;
static int variant;

/** One entry point: its result goes to `out`, or to `export` for exports. */
typedef tensor_status_t entry(tensor_t **out, void **export);

static DLTensor source(void)
{
    return describe(numbers, DTYPE_F32, ndims[variant], shapes[variant], NULL);
}

static tensor_options_t adopting(void)
{
    tensor_options_t options = default_options();
    options.deleter = count_deletion;
    return options;
}

static DLDataType f64 = {kDLFloat, 64, 1}, u8 = {kDLUInt, 8, 1}, f32 = {kDLFloat, 32, 1};

static tensor_status_t as_tensor(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = adopting();
    (void)export;
    return tensor_as_tensor(&data, &options, out);
}

static tensor_status_t convert(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = adopting();
    (void)export;
    options.dtype = &f64;
    options.casting = TENSOR_CASTING_EXACT;
    return tensor_as_tensor(&data, &options, out);
}

static tensor_status_t copy(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = adopting();
    (void)export;
    options.alignment = 4096;
    return tensor_copy(&data, &options, out);
}

static tensor_status_t copy_small(tensor_t **out, void **export)
{
    int64_t small[1] = {24};
    DLTensor data = describe(numbers, DTYPE_F32, 1, small, NULL);
    (void)export;
    return tensor_copy(&data, NULL, out);
}

static tensor_status_t plan(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_plan_t p = TENSOR_PLAN_INIT;
    (void)export;
    *out = NULL;
    return tensor_plan(&data, NULL, &p);
}

static tensor_status_t to(tensor_t **out, void **export)
{
    tensor_options_t options = default_options();
    (void)export;
    options.dtype = &f64;
    return tensor_to(base, &options, out);
}

static tensor_status_t to_same(tensor_t **out, void **export)
{
    (void)export;
    return tensor_to(base, NULL, out);
}

static tensor_status_t empty(tensor_t **out, void **export)
{
    (void)export;
    return tensor_empty(&f32, NULL, ndims[variant], shapes[variant], out);
}

static tensor_status_t from_dlpack(tensor_t **out, void **export)
{
    DLManagedTensorVersioned *m = &managed;
    (void)export;
    tensor_status_t status = tensor_from_dlpack(&m, NULL, out);
    CHECK((m == NULL) == (status == TENSOR_OK));
    return status;
}

static tensor_status_t from_dlpack_legacy(tensor_t **out, void **export)
{
    DLManagedTensor *m = &legacy;
    tensor_options_t options = default_options();
    (void)export;
    options.dtype = &f64;
    tensor_status_t status = tensor_from_dlpack_legacy(&m, &options, out);
    CHECK((m == NULL) == (status == TENSOR_OK));
    return status;
}

static tensor_status_t to_dlpack(tensor_t **out, void **export)
{
    DLManagedTensorVersioned *m = NULL;
    tensor_options_t options = default_options();
    *out = NULL;
    options.copy = TENSOR_COPY_ALWAYS;
    tensor_status_t status = tensor_to_dlpack(base, &options, &m);
    *export = m;
    if (m) {
        m->deleter(m);
    }
    return status;
}

static tensor_status_t to_dlpack_legacy(tensor_t **out, void **export)
{
    DLManagedTensor *m = NULL;
    *out = NULL;
    tensor_status_t status = tensor_to_dlpack_legacy(base, NULL, &m);
    *export = m;
    if (m) {
        m->deleter(m);
    }
    return status;
}

/** Lists, numbers in memory and tensors, of ranks up to 8 and above. */
static tensor_status_t from_value(tensor_t **out, void **export)
{
    static DLDataType half = {kDLFloat, 16, 1};
    DLTensor data = source();
    tensor_options_t options = default_options();
    (void)export;
    options.dtype = variant ? &half : NULL;
    return tensor_from_value(&TENSOR_VALUE_LIST(TENSOR_VALUE(&data), TENSOR_VALUE(base)), &options, out);
}

static tensor_status_t from_scalar(tensor_t **out, void **export)
{
    (void)export;
    return tensor_from_value(&TENSOR_VALUE(2.5), NULL, out);
}

static tensor_status_t format(tensor_t **out, void **export)
{
    char buffer[64];
    size_t needed;
    (void)out;
    (void)export;
    return tensor_format(base, NULL, buffer, sizeof buffer, &needed);
}

static tensor_status_t select_one(tensor_t **out, void **export)
{
    (void)export;
    return tensor_select(base, 0, 3, out);
}

static tensor_status_t slice(tensor_t **out, void **export)
{
    (void)export;
    return tensor_slice(base, 1, 1, 5, 2, out);
}

static tensor_status_t permute(tensor_t **out, void **export)
{
    (void)export;
    return tensor_permute(base, ndims[variant], dims, out);
}

static tensor_status_t transpose(tensor_t **out, void **export)
{
    (void)export;
    return tensor_transpose(base, 0, 1, out);
}

static tensor_status_t reshape(tensor_t **out, void **export)
{
    (void)export;
    return tensor_reshape(base, 1, flat, TENSOR_COPY_NEVER, out);
}

static tensor_status_t reshape_copy(tensor_t **out, void **export)
{
    (void)export;
    return tensor_reshape(turned, 1, flat, TENSOR_COPY_IF_NEEDED, out);
}

static tensor_status_t expand(tensor_t **out, void **export)
{
    (void)export;
    return tensor_expand(base, ndims[variant], shapes[variant], out);
}

static tensor_status_t squeeze(tensor_t **out, void **export)
{
    (void)export;
    return tensor_squeeze(base, TENSOR_ALL_DIMS, out);
}

static tensor_status_t unsqueeze(tensor_t **out, void **export)
{
    (void)export;
    return tensor_unsqueeze(base, 0, out);
}

static tensor_status_t flip(tensor_t **out, void **export)
{
    (void)export;
    return tensor_flip(base, 1, dims, out);
}

static tensor_status_t as_strided(tensor_t **out, void **export)
{
    (void)export;
    return tensor_as_strided(base, 1, flat, (int64_t[]){1}, 0, out);
}

static tensor_status_t view_dtype(tensor_t **out, void **export)
{
    (void)export;
    return tensor_view_dtype(base, variant ? &f32 : &u8, out);
}

static tensor_status_t copy_into(tensor_t **out, void **export)
{
    DLTensor data = source();
    (void)export;
    *out = NULL;
    return tensor_copy_into(turned, &data, NULL);
}

static tensor_status_t assign(tensor_t **out, void **export)
{
    (void)export;
    *out = NULL;
    return tensor_assign(turned, base, NULL);
}

static tensor_status_t shares_memory(tensor_t **out, void **export)
{
    bool shared = false;
    (void)export;
    *out = NULL;
    return tensor_shares_memory(base, turned, &shared);
}

static tensor_status_t on_loan(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = adopting();
    (void)export;
    *out = NULL;
    tensor_status_t status = tensor_loan_open(numbers, sizeof numbers, 0, &options.loan);
    if (status == TENSOR_OK) {
        status = tensor_as_tensor(&data, &options, out);
        size_t aliases = 9;
        CHECK_OK(tensor_loan_count(options.loan, TENSOR_LOAN_ALIASES, &aliases));
        CHECK(aliases == (status == TENSOR_OK));
        tensor_release(*out);
        CHECK_OK(tensor_loan_close(options.loan));
        *out = NULL;
    }
    return status;
}

/** All that can be made on a loan: what fails has changed nothing, so that the loan can be closed in the end. */
static tensor_status_t use_loan(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = default_options(), always = default_options();
    tensor_t *tensor = NULL, *view = NULL, *copied = NULL;
    DLManagedTensorVersioned *exported = NULL;
    const DLTensor *raw = NULL;
    (void)export;
    *out = NULL;
    always.copy = TENSOR_COPY_ALWAYS;
    tensor_status_t status = tensor_loan_open(numbers, sizeof numbers, 0, &options.loan);
    if (status == TENSOR_OK && (status = tensor_as_tensor(&data, &options, &tensor)) == TENSOR_OK &&
        (status = tensor_transpose(tensor, 0, 1, &view)) == TENSOR_OK &&
        (status = tensor_pin(view, TENSOR_PIN_READ, &raw)) == TENSOR_OK && (status = tensor_unpin(view)) == TENSOR_OK &&
        (status = tensor_to_dlpack(view, NULL, &exported)) == TENSOR_OK) {
        status = tensor_to(view, &always, &copied);
    }
    tensor_release(copied);
    tensor_release(view);
    tensor_release(tensor);
    if (exported) {
        exported->deleter(exported);
    }
    CHECK_OK(tensor_loan_close(options.loan));
    return status;
}

static tensor_status_t evacuate(tensor_t **out, void **export)
{
    DLTensor data = source();
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    (void)export;
    *out = NULL;
    tensor_status_t status = tensor_loan_open(numbers, sizeof numbers, 0, &options.loan);
    CHECK_OK(status);
    status = tensor_as_tensor(&data, &options, &tensor);
    if (status != TENSOR_OK) {
        CHECK_OK(tensor_loan_close(options.loan));
        return status;
    }
    status = tensor_loan_evacuate(options.loan);
    CHECK((tensor_view(tensor)->data == numbers) == (status != TENSOR_OK));
    CHECK(memcmp(tensor_view(tensor)->data, numbers, sizeof numbers) == 0);
    if (status != TENSOR_OK) {
        /* Nothing has changed: the loan goes on. */
        tensor_status_t is_closed = tensor_loan_close(options.loan);
        CHECK(is_closed == TENSOR_ERROR_BUSY);
        tensor_release(tensor);
        CHECK_OK(tensor_loan_close(options.loan));
        return status;
    }
    tensor_release(tensor);
    return status;
}

static const struct {
    const char *name;
    entry *call;
    /* How often the lender's deleter runs when all goes well. */
    int deletions;
} entries[] = {
    {"as_tensor", as_tensor, 1}, {"convert", convert, 1}, {"copy", copy, 1}, {"copy_small", copy_small, 0},
    {"plan", plan, 0}, {"to", to, 0}, {"to_same", to_same, 0}, {"empty", empty, 0},
    {"from_value", from_value, 0}, {"from_scalar", from_scalar, 0}, {"format", format, 0}, {"from_dlpack", from_dlpack, 1},
    {"from_dlpack_legacy", from_dlpack_legacy, 1}, {"to_dlpack", to_dlpack, 0},
    {"to_dlpack_legacy", to_dlpack_legacy, 0},
    {"select", select_one, 0}, {"slice", slice, 0}, {"permute", permute, 0}, {"transpose", transpose, 0},
    {"reshape", reshape, 0}, {"reshape_copy", reshape_copy, 0}, {"expand", expand, 0}, {"squeeze", squeeze, 0},
    {"unsqueeze", unsqueeze, 0}, {"flip", flip, 0}, {"as_strided", as_strided, 0}, {"view_dtype", view_dtype, 0},
    {"copy_into", copy_into, 0}, {"assign", assign, 0}, {"shares_memory", shares_memory, 0},
    {"on_loan", on_loan, 1}, {"use_loan", use_loan, 0}, {"evacuate", evacuate, 0},
};

/** Runs an entry point with its `n`-th allocation failing; 0 for none. Returns how many there were. */
static int run(size_t e, int n)
{
    static float before[4096];
    tensor_t *out = (tensor_t *)numbers;
    void *export = NULL;
    memcpy(before, numbers, sizeof numbers);
    deleted = allocations = 0;
    live = 0;
    fail_at = n;
    counting = 1;
    tensor_status_t status = entries[e].call(&out, &export);
    if (status == TENSOR_OK) {
        tensor_release(out);
    }
    counting = 0;
    int failed = n > 0 && allocations >= n;
    if (live != 0 || (failed && status != TENSOR_ERROR_OUT_OF_MEMORY)) {
        fprintf(stderr, "%s, variant %d, allocation %d of %d: %s, %ld live\n", entries[e].name, variant, n, allocations,
                tensor_status_name(status), live);
    }
    CHECK(live == 0);
    if (failed) {
        CHECK(status == TENSOR_ERROR_OUT_OF_MEMORY);
        CHECK(out == NULL && export == NULL);
        CHECK(deleted == 0);
        if (entries[e].call != evacuate) { /* Which has looked at another error since. */
            CHECK_MESSAGE("out of memory");
        }
        CHECK(memcmp(before, numbers, sizeof numbers) == 0);
    } else {
        CHECK(status == TENSOR_OK);
        CHECK(deleted == entries[e].deletions);
    }
    return allocations;
}

/** Errors that have nothing to do with memory are told without any. */
static void errors_need_no_memory(void)
{
    DLTensor good = source(), data = good;
    DLDataType unknown = {200, 8, 1};
    DLDevice gpu = {kDLCUDA, 0};
    tensor_options_t options = default_options();
    tensor_t *out = NULL;
    int64_t negative[2] = {3, -4}, seven[1] = {7};
    bool shared = false;
    counting = all_that_follow = fail_at = 1;
    allocations = 0;
    data.ndim = 65;
    CHECK_STATUS(tensor_as_tensor(&data, NULL, &out), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("ndim = 65");
    data = describe(numbers, DTYPE_F32, 2, negative, NULL);
    CHECK_STATUS(tensor_copy(&data, NULL, &out), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("shape[1] = -4");
    data = describe(numbers, unknown, 1, flat, NULL);
    CHECK_STATUS(tensor_copy(&data, NULL, &out), TENSOR_ERROR_DTYPE);
    data = good;
    data.device = gpu;
    CHECK_STATUS(tensor_copy(&data, NULL, &out), TENSOR_ERROR_DEVICE);
    options.nbytes = 16;
    CHECK_STATUS(tensor_as_tensor(&good, &options, &out), TENSOR_ERROR_BOUNDS);
    options = default_options();
    options.flags = 1u << 20;
    CHECK_STATUS(tensor_as_tensor(&good, &options, &out), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_as_tensor(NULL, NULL, &out), TENSOR_ERROR_NULL);
    data = describe(numbers, DTYPE_F32, 2, negative, NULL);
    CHECK_STATUS(tensor_as_tensor(&data, NULL, &out), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("shape[1] = -4");
    data = describe(numbers, unknown, 1, flat, NULL);
    CHECK_STATUS(tensor_as_tensor(&data, NULL, &out), TENSOR_ERROR_DTYPE);
    CHECK_STATUS(tensor_as_tensor(&good, NULL, &out), TENSOR_ERROR_OUT_OF_MEMORY);
    data = good;
    data.device = gpu; /* What is no error takes a block as well. */
    CHECK_STATUS(tensor_as_tensor(&data, NULL, &out), TENSOR_ERROR_OUT_OF_MEMORY);
    CHECK_STATUS(tensor_select(base, 0, 99, &out), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_reshape(base, 1, seven, TENSOR_COPY_IF_NEEDED, &out), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_shares_memory(base, NULL, &shared), TENSOR_ERROR_NULL);
    CHECK(out == NULL);
    counting = all_that_follow = fail_at = 0;
}

static void *on_a_thread(void *unused)
{
    errors_need_no_memory();
    return unused;
}

static void small_things_take_one_allocation_or_none(void)
{
    enum { BORROW, BORROW_64, BACKWARDS, EMPTY, ELSEWHERE, VIEW, SELECT, SLICE, PERMUTE, FLIP, EXPAND, SQUEEZE, UNSQUEEZE,
           RESHAPE, STRIDED, DTYPE, LENT, LENT_VIEW, COPY, SMALL_THINGS };
    const int32_t order[3] = {2, 0, 1};
    int64_t wide[4] = {5, 2, 3, 4}, flat[1] = {24}, one_by_one[1] = {1};
    const DLDataType bytes = DTYPE_U8;
    int counts[SMALL_THINGS];
    int64_t small[3] = {2, 3, 4}, deep[64];
    tensor_t *made[SMALL_THINGS] = {NULL};
    tensor_options_t options = default_options();
    const DLTensor *raw = NULL;
    for (int i = 0; i < 64; i++) {
        deep[i] = 1;
    }
    DLTensor data = describe(numbers, DTYPE_F32, 3, small, NULL), ranked = describe(numbers, DTYPE_F32, 64, deep, NULL);
    int64_t none[3] = {2, 0, 4}, back[3] = {-12, 4, 1};
    DLTensor backwards = describe(numbers, DTYPE_F32, 3, small, back), empty = describe(NULL, DTYPE_F32, 3, none, NULL);
    DLTensor elsewhere = data;
    backwards.byte_offset = 12 * sizeof(float);
    elsewhere.device.device_type = kDLCUDA;
    fail_at = allocations = 0;
    counting = 1;
    CHECK_OK(tensor_loan_open(numbers, sizeof numbers, 0, &options.loan));
    CHECK(allocations == 0);
    for (int kind = 0; kind < SMALL_THINGS; kind++) {
        tensor_t **out = &made[kind];
        tensor_status_t status = TENSOR_OK;
        allocations = 0;
        switch (kind) {
        case BORROW: status = tensor_as_tensor(&data, NULL, out); break;
        case BORROW_64: status = tensor_as_tensor(&ranked, NULL, out); break;
        case BACKWARDS: status = tensor_as_tensor(&backwards, NULL, out); break;
        case EMPTY: status = tensor_as_tensor(&empty, NULL, out); break;
        case ELSEWHERE: status = tensor_as_tensor(&elsewhere, NULL, out); break;
        case VIEW: status = tensor_transpose(made[BORROW], 0, 1, out); break;
        case SELECT: status = tensor_select(made[BORROW], 1, -1, out); break;
        case SLICE: status = tensor_slice(made[BORROW], 2, 0, INT64_MAX, 2, out); break;
        case PERMUTE: status = tensor_permute(made[BORROW], 3, order, out); break;
        case FLIP: status = tensor_flip(made[BORROW], 2, order, out); break;
        case EXPAND: status = tensor_expand(made[BORROW], 4, wide, out); break;
        case SQUEEZE: status = tensor_squeeze(made[BORROW_64], TENSOR_ALL_DIMS, out); break;
        case UNSQUEEZE: status = tensor_unsqueeze(made[BORROW], -1, out); break;
        case RESHAPE: status = tensor_reshape(made[BORROW], 1, flat, TENSOR_COPY_NEVER, out); break;
        case STRIDED: status = tensor_as_strided(made[BORROW], 1, flat, one_by_one, 0, out); break;
        case DTYPE: status = tensor_view_dtype(made[BORROW], &bytes, out); break;
        case LENT: status = tensor_as_tensor(&data, &options, out); break;
        case LENT_VIEW: status = tensor_transpose(made[LENT], 0, 1, out); break;
        case COPY: status = tensor_copy(&data, NULL, out); break;
        }
        counts[kind] = allocations;
        CHECK_OK(status);
    }
    allocations = 0;
    CHECK_OK(tensor_assign(made[COPY], made[LENT], NULL));
    CHECK_OK(tensor_pin(made[LENT], TENSOR_PIN_READ, &raw));
    CHECK_OK(tensor_unpin(made[LENT]));
    CHECK_OK(tensor_loan_revoke(options.loan));
    CHECK_OK(tensor_loan_close(options.loan));
    CHECK(allocations == 0);
    for (int kind = 0; kind < SMALL_THINGS; kind++) {
        CHECK(counts[kind] == 1);
        tensor_release(made[kind]);
    }
    CHECK(live == 0);
    counting = 0;
}

/** Large memory begins where a huge page does, and all whole ones of it are asked for; small memory is left as it is. */
static void large_memory_is_asked_to_be_of_huge_pages(void)
{
    const size_t page = 2 << 20;
    const DLDataType bytes = DTYPE_U8;
    int64_t large[1] = {(9 << 20) + 5}, small[1] = {(4 << 20) - 1};
    tensor_t *out = NULL;
    huge_pages_asked_for = 0;
    CHECK_OK(tensor_empty(&bytes, NULL, 1, small, &out));
    tensor_release(out);
    CHECK(huge_pages_asked_for == 0);
    CHECK_OK(tensor_empty(&bytes, NULL, 1, large, &out));
    CHECK(huge_pages_asked_for == 1);
    CHECK(huge_at == tensor_view(out)->data && (uintptr_t)huge_at % page == 0 && huge_size == 4 * page);
    tensor_release(out);
}

/** What a copy large enough for several threads makes. */
static tensor_status_t copy_large(tensor_t **out)
{
    enum { COUNT = 4 << 20 };
    static float large[COUNT];
    int64_t shape[1] = {COUNT};
    DLTensor data = describe(large, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    large[0] = 3;
    large[COUNT - 1] = 5;
    options.dtype = &f64;
    tensor_status_t status = tensor_copy(&data, &options, out);
    if (status == TENSOR_OK) {
        const double *copied = tensor_view(*out)->data;
        CHECK(copied[0] == 3 && copied[COUNT / 2] == 0 && copied[COUNT - 1] == 5);
    }
    return status;
}

/** dy as it comes, for each of two inputs. */
static tensor_status_t pass_twice(void *ctx, int32_t num_outputs, tensor_t *const *grad_outputs, int32_t num_inputs,
                                  tensor_t **grad_inputs)
{
    (void)ctx;
    (void)num_outputs;
    for (int32_t i = 0; i < num_inputs; i++) {
        tensor_status_t status = tensor_retain(grad_outputs[0]);
        if (status != TENSOR_OK) {
            return status;
        }
        grad_inputs[i] = grad_outputs[0];
    }
    return TENSOR_OK;
}

static tensor_status_t kept;

/** The first error is kept. */
static int succeeds(tensor_status_t status)
{
    kept = kept == TENSOR_OK ? status : kept;
    return kept == TENSOR_OK;
}

/** Everything that makes a graph, and backward through it: `leaf` gets a gradient of 1 to 4 in the end. */
static tensor_status_t go_through_a_graph(tensor_t *leaf, tensor_t *gradient)
{
    static int64_t two[1] = {2}, rows[2] = {2, 2};
    int32_t zero = 0;
    tensor_options_t options = default_options();
    tensor_t *wide = NULL, *flipped = NULL, *again = NULL, *out = NULL, *row = NULL, *part = NULL, *result = NULL;
    tensor_t *odd = NULL, *stretched = NULL, *detached = NULL, *inputs[2];
    kept = TENSOR_OK;
    options.dtype = &f64;
    if (succeeds(tensor_to(leaf, &options, &wide)) && succeeds(tensor_flip(wide, 1, &zero, &flipped)) &&
        succeeds(tensor_flip(flipped, 1, &zero, &again)) && succeeds(tensor_empty(&f64, NULL, 2, rows, &out)) &&
        succeeds(tensor_select(out, 0, 0, &row)) && succeeds(tensor_slice(again, 0, 0, 2, 1, &part)) &&
        succeeds(tensor_assign(row, part, NULL))) {
        tensor_release(row);
        tensor_release(part);
        row = part = NULL;
        if (succeeds(tensor_select(out, 0, 1, &row)) && succeeds(tensor_slice(again, 0, 2, 4, 1, &part)) &&
            succeeds(tensor_assign(row, part, NULL)) && succeeds(tensor_empty(&f64, NULL, 2, rows, &result)) &&
            succeeds(tensor_as_strided(out, 1, two, (int64_t[]){2}, 1, &odd)) &&
            succeeds(tensor_expand(odd, 2, rows, &stretched)) && succeeds(tensor_detach(odd, &detached))) {
            inputs[0] = inputs[1] = out;
            if (succeeds(tensor_grad_record(inputs, 2, &result, 1, pass_twice, NULL, count_deletion)) &&
                succeeds(tensor_grad_save(result, inputs, 2))) {
                succeeds(tensor_backward(result, gradient, 0));
            }
        }
    }
    tensor_t *made[] = {wide, flipped, again, out, row, part, result, odd, stretched, detached};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        tensor_release(made[i]);
    }
    return kept;
}

static void gradients_stay_as_they_are(void)
{
    static float values[4] = {1, 2, 3, 4};
    static double ones[4] = {1, 2, 3, 4};
    int64_t shape[1] = {4}, square[2] = {2, 2};
    DLTensor data = describe(values, DTYPE_F32, 1, shape, NULL), of_result = describe(ones, DTYPE_F64, 2, square, NULL);
    tensor_options_t options = default_options();
    tensor_t *gradient = NULL;
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    CHECK_OK(tensor_as_tensor(&of_result, NULL, &gradient));
    /* With a gradient that is there already, and without. */
    for (int had = 0; had < 2; had++) {
        for (int n = 0, count = 0; n <= count; n++) {
            tensor_t *leaf = NULL, *grad = NULL;
            allocations = 0;
            fail_at = 0;
            live = 0;
            counting = 1;
            CHECK_OK(tensor_as_tensor(&data, &options, &leaf));
            if (had) {
                CHECK_OK(go_through_a_graph(leaf, gradient));
            }
            allocations = 0;
            fail_at = n;
            tensor_status_t status = go_through_a_graph(leaf, gradient);
            fail_at = 0;
            count = n == 0 ? allocations : count;
            CHECK(status == (n == 0 ? TENSOR_OK : TENSOR_ERROR_OUT_OF_MEMORY));
            CHECK_OK(tensor_grad(leaf, &grad));
            float times = (float)(2 * (had + (n == 0)));
            CHECK((grad != NULL) == (times > 0));
            for (int i = 0; grad && i < 4; i++) {
                CHECK(((const float *)tensor_view(grad)->data)[i] == times * values[i]);
            }
            tensor_release(grad);
            tensor_release(leaf);
            counting = 0;
            CHECK(live == 0);
            CHECK(n > 0 || count > 40);
        }
    }
    /* A long graph gives everything back. */
    live = 0;
    counting = 1;
    fail_at = 0;
    tensor_t *last = NULL;
    CHECK_OK(tensor_as_tensor(&data, &options, &last));
    for (int i = 0; i < 100000; i++) {
        tensor_t *next = NULL;
        CHECK_OK(i % 2 ? tensor_unsqueeze(last, 0, &next) : tensor_squeeze(last, TENSOR_ALL_DIMS, &next));
        tensor_release(last);
        last = next;
    }
    CHECK(live > 100000);
    tensor_release(last);
    counting = 0;
    CHECK(live == 0);
    /* What is said of gradients without making any needs no memory. */
    tensor_t *leaf = NULL;
    CHECK_OK(tensor_as_tensor(&data, &options, &leaf));
    allocations = 0;
    counting = 1;
    tensor_set_grad_enabled(false);
    CHECK(!tensor_grad_enabled());
    tensor_set_grad_enabled(true);
    CHECK(tensor_requires_grad(leaf) && tensor_is_leaf(leaf) && tensor_version_counter(leaf) == 0);
    CHECK_OK(tensor_mark_dirty(leaf));
    CHECK_OK(tensor_set_requires_grad(leaf, false));
    counting = 0;
    CHECK(allocations == 0);
    tensor_release(leaf);
    tensor_release(gradient);
}

/** One thread means none of the library's; two mean one, which is made once. */
static void no_more_threads_than_asked_for(void)
{
    tensor_t *out = NULL;
    threads_asked_for = 0;
    CHECK_OK(tensor_set_num_threads(1));
    CHECK_OK(copy_large(&out));
    tensor_release(out);
    CHECK(threads_asked_for == 0);
    CHECK_OK(tensor_set_num_threads(2));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(copy_large(&out));
        tensor_release(out);
    }
    CHECK(threads_asked_for == 1);
    CHECK_OK(tensor_set_num_threads(0));
}

static void large_copies_do_without_threads(void)
{
    tensor_t *out = NULL;
    CHECK_OK(tensor_set_num_threads(4));
    refuse_threads = 1;
    threads_asked_for = 0;
    CHECK_OK(copy_large(&out));
    CHECK(threads_asked_for == 1);
    tensor_release(out);
    refuse_threads = 0;
    /* Threads take memory too. Without it there is a copy all the same, or else the one answer. */
    for (int n = 0, count = 0; n <= count; n++) {
        allocations = 0;
        fail_at = n;
        counting = 1;
        tensor_status_t status = copy_large(&out);
        counting = 0;
        count = n == 0 ? allocations : count;
        CHECK(status == TENSOR_OK || (n > 0 && status == TENSOR_ERROR_OUT_OF_MEMORY));
        CHECK((status == TENSOR_OK) == (out != NULL));
        tensor_release(out);
    }
    fail_at = 0;
    CHECK_OK(tensor_set_num_threads(0));
}

/** Planes and bricks are transposed through a tile that is allocated, and through a smaller one where it cannot be; what becomes larger
    comes to one before it is converted, or does without. */
static void a_small_tile_does_as_well(void)
{
    static uint8_t from[256 * 300 * 16];
    static uint8_t into[2][256 * 300 * 16];
    int64_t shapes[2][6] = {{255, 299, 1, 1, 1, 1}, {6, 4, 16, 8, 4, 6}}, turned_strides[6];
    const DLDataType u16 = {kDLUInt, 16, 1}, c128 = {kDLComplex, 128, 1};
    const DLDataType pairs[7][2] = {{DTYPE_I8, DTYPE_I8}, {u16, u16},        {DTYPE_F32, DTYPE_F32}, {DTYPE_F64, DTYPE_F64},
                                    {c128, c128},         {DTYPE_I8, DTYPE_F64}, {u16, DTYPE_F32}};
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (uint8_t)((i * 7 + i / 251) % 61);
    }
    CHECK_OK(tensor_set_num_threads(1));
    for (int shape = 0; shape < 2; shape++) {
        int64_t stride = 1;
        for (int dim = 0; dim < 6; dim++) {
            turned_strides[dim] = stride;
            stride *= shapes[shape][dim];
        }
        for (int pair = 0; pair < 7; pair++) {
            const DLDataType *dtypes = pairs[pair];
            size_t size = (size_t)dtypes[0].bits / 8;
            DLTensor data = describe(from, dtypes[0], 6, shapes[shape], turned_strides);
            memset(into, 0xee, sizeof into);
            for (int fails = 0; fails < 2; fails++) {
                DLTensor target = describe(into[fails], dtypes[1], 6, shapes[shape], NULL);
                tensor_t *tensor = NULL;
                CHECK_OK(tensor_as_tensor(&target, NULL, &tensor));
                allocations = 0;
                fail_at = all_that_follow = fails;
                counting = 1;
                CHECK_OK(tensor_copy_into(tensor, &data, NULL));
                counting = fail_at = all_that_follow = 0;
                /* Some processors need no tile for the plane, and the largest elements none for the bricks. */
                CHECK(allocations > 0 || shape == 0 || size == 16);
                tensor_release(tensor);
            }
            const uint8_t *second = from + (size_t)turned_strides[shape == 0 ? 1 : 5] * size;
            CHECK(dtypes[0].bits != dtypes[1].bits || memcmp(into[0] + size, second, size) == 0);
            CHECK(memcmp(into[0], into[1], sizeof into[0]) == 0);
        }
    }
}

int main(void)
{
    for (int i = 0; i < 4096; i++) {
        numbers[i] = (float)i;
    }
    for (variant = 0; variant < 2; variant++) {
        DLTensor data = source();
        int64_t strides[9] = {512, 32, 1, 0, 0, 0, 0, 0, 0};
        managed.version.major = 1;
        managed.deleter = managed_deleter;
        managed.dl_tensor = data;
        legacy.deleter = legacy_deleter;
        legacy.dl_tensor = data;
        CHECK_OK(tensor_as_tensor(&data, NULL, &base));
        /* The same memory, backwards: what is filled from the other overlaps it. */
        strides[0] = -512;
        data.strides = strides;
        data.byte_offset = 7 * 512 * sizeof(float);
        CHECK_OK(tensor_as_tensor(&data, NULL, &turned));
        for (size_t e = 0; e < sizeof entries / sizeof *entries; e++) {
            /* The first failure may find allocations that happen once in a program. */
            int count = run(e, 0);
            for (int n = 1; n <= count; n++) {
                run(e, n);
                all_that_follow = 1;
                run(e, n);
                all_that_follow = 0;
            }
            CHECK(count > 0 || entries[e].call == plan || entries[e].call == format || entries[e].call == shares_memory);
        }
        if (variant == 0) { /* A higher rank takes memory to look at. */
            pthread_t thread;
            errors_need_no_memory();
            CHECK(pthread_create(&thread, NULL, on_a_thread, NULL) == 0);
            pthread_join(thread, NULL);
        }
        tensor_release(turned);
        tensor_release(base);
    }
    live = 0;
    small_things_take_one_allocation_or_none();
    large_memory_is_asked_to_be_of_huge_pages();
    no_more_threads_than_asked_for();
    large_copies_do_without_threads();
    gradients_stay_as_they_are();
    a_small_tile_does_as_well();
    return check_result();
}
