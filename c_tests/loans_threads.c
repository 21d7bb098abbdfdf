/*
 * Loans with many threads: lenders take memory back, and use it at once, while others go on with the tensors on it.
 *
 * Arguments: `tiny`, or how often each thread does each kind of thing. Under ThreadSanitizer this shows that whatever the
 * library does with the lender's memory is over when it says so.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 8, STALLS = 4, SIDE = 8, COUNT = SIDE * SIDE };

static int rounds = 100000;

/** Memory that is lent again and again. Whoever has the lock is its lender for a while. */
struct stall {
    pthread_mutex_t lending;
    float memory[COUNT];
    tensor_loan_t *loan;
    /** For those who only borrow: a tensor on the loan, which they retain under this lock. */
    pthread_mutex_t counter;
    tensor_t *tensor;
};

static struct stall stalls[STALLS];
static atomic_long done[9], refused[9];

enum { RETAIN, RELEASE, VIEW, COPY, EXPORT, PIN, CLOSE, REVOKE, EVACUATE };

static void note(int kind, tensor_status_t status)
{
    atomic_fetch_add(status == TENSOR_OK ? &done[kind] : &refused[kind], 1);
    if (status != TENSOR_OK && status != TENSOR_ERROR_BUSY && status != TENSOR_ERROR_REVOKED &&
        status != TENSOR_ERROR_ALIASED && status != TENSOR_ERROR_CLOSED) {
        fprintf(stderr, "%d: %s\n", kind, tensor_last_error());
        abort();
    }
}

static tensor_t *make_tensor(struct stall *stall)
{
    int64_t shape[2] = {SIDE, SIDE};
    DLTensor data = describe(stall->memory, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.loan = stall->loan;
    if (tensor_as_tensor(&data, &options, &tensor) != TENSOR_OK || tensor_set_label(tensor, "stall") != TENSOR_OK) {
        abort();
    }
    return tensor;
}

/** Puts a tensor out for the others, and takes the one that was there in. */
static void put_out(struct stall *stall, tensor_t *tensor)
{
    pthread_mutex_lock(&stall->counter);
    tensor_t *old = stall->tensor;
    stall->tensor = tensor;
    pthread_mutex_unlock(&stall->counter);
    tensor_release(old);
}

/** A reference to the tensor that is out, or NULL. */
static tensor_t *take(struct stall *stall)
{
    pthread_mutex_lock(&stall->counter);
    tensor_t *tensor = stall->tensor;
    note(RETAIN, tensor_retain(tensor));
    pthread_mutex_unlock(&stall->counter);
    return tensor;
}

static void lend_anew(struct stall *stall, float value)
{
    /* The memory is ours: plain stores, which must not meet anybody else's. */
    for (int i = 0; i < COUNT; i++) {
        stall->memory[i] = value;
    }
    if (tensor_loan_open(stall->memory, sizeof stall->memory, 0, &stall->loan) != TENSOR_OK) {
        abort();
    }
    put_out(stall, make_tensor(stall));
}

/** Takes memory back in one of three ways; if that was possible, uses it and lends it again. */
static void take_back(struct stall *stall, int how, float value)
{
    tensor_loan_t *loan = stall->loan;
    tensor_status_t status;
    if (how == CLOSE) {
        put_out(stall, NULL);
        status = tensor_loan_close(loan);
        note(CLOSE, status);
        if (status != TENSOR_OK) {
            put_out(stall, make_tensor(stall));
            return;
        }
    } else {
        status = how == REVOKE ? tensor_loan_revoke(loan) : tensor_loan_evacuate(loan);
        note(how, status);
        if (status != TENSOR_OK) {
            return;
        }
        if (how == REVOKE && tensor_loan_close(loan) != TENSOR_OK) {
            abort();
        }
    }
    if (tensor_loan_close(loan) != TENSOR_ERROR_CLOSED) {
        abort();
    }
    lend_anew(stall, value);
}

static void borrow(struct stall *stall, tensor_t *own, uint64_t dice)
{
    tensor_t *tensor = take(stall), *view = NULL, *copy = NULL;
    if (!tensor) {
        return;
    }
    int64_t start = (int64_t)(dice % SIDE);
    tensor_status_t status = tensor_slice(tensor, (int32_t)(dice & 1), start, INT64_MAX, 2, &view);
    note(VIEW, status);
    tensor_t *used = view ? view : tensor;

    tensor_options_t options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    status = tensor_to(used, &options, &copy);
    note(COPY, status);
    if (copy) {
        /* What was copied is of one round: fills go by the stall, or by a pin for writing. */
        note(COPY, tensor_assign(tensor, own, NULL));
        note(COPY, tensor_assign(own, tensor, NULL));
    }
    tensor_release(copy);
    /* From one loan to another, either of which may be evacuated meanwhile, and within one. */
    tensor_t *other = take(&stalls[dice >> 40 & (STALLS - 1)]);
    if (other) {
        bool shared;
        note(COPY, tensor_assign(other, tensor, NULL));
        note(COPY, tensor_assign(used, used, NULL));
        note(VIEW, tensor_shares_memory(other, used, &shared));
        tensor_release(other);
    }

    DLManagedTensorVersioned *managed = NULL;
    note(EXPORT, tensor_to_dlpack(used, NULL, &managed));
    if (managed) {
        managed->deleter(managed);
    }

    const DLTensor *raw = NULL;
    uint32_t access = dice & 2 ? TENSOR_PIN_WRITE : TENSOR_PIN_READ;
    status = tensor_pin(used, access, &raw);
    note(PIN, status);
    if (status == TENSOR_OK) {
        float *first = raw->data;
        if (tensor_numel(used) > 0) {
            if (access == TENSOR_PIN_WRITE) {
                *first = (float)start;
            } else if (*first < -1) {
                abort();
            }
        }
        if (tensor_unpin(used) != TENSOR_OK) {
            abort();
        }
    }
    tensor_release(view);
    tensor_release(tensor);
    note(RELEASE, TENSOR_OK);
}

static void *run(void *argument)
{
    uint64_t state = (uint64_t)(uintptr_t)argument;
    float memory[COUNT] = {0};
    int64_t shape[2] = {SIDE, SIDE};
    DLTensor data = describe(memory, DTYPE_F32, 2, shape, NULL);
    tensor_t *own = NULL;
    if (tensor_as_tensor(&data, NULL, &own) != TENSOR_OK) {
        abort();
    }
    for (int round = 0; round < rounds; round++) {
        for (int how = CLOSE; how <= EVACUATE; how++) {
            uint64_t dice = next_random(&state);
            struct stall *stall = &stalls[dice >> 32 & (STALLS - 1)];
            if (how == CLOSE) {
                borrow(&stalls[dice >> 48 & (STALLS - 1)], own, dice);
            }
            pthread_mutex_lock(&stall->lending);
            take_back(stall, how, (float)(round & 1023));
            pthread_mutex_unlock(&stall->lending);
        }
    }
    tensor_release(own);
    return NULL;
}

static void everything_at_once(void)
{
    pthread_t threads[THREADS];
    for (int s = 0; s < STALLS; s++) {
        pthread_mutex_init(&stalls[s].lending, NULL);
        pthread_mutex_init(&stalls[s].counter, NULL);
        lend_anew(&stalls[s], 0);
    }
    for (int t = 0; t < THREADS; t++) {
        CHECK(pthread_create(&threads[t], NULL, run, (void *)(uintptr_t)(t + 1)) == 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    for (int s = 0; s < STALLS; s++) {
        put_out(&stalls[s], NULL);
        CHECK_OK(tensor_loan_wait(stalls[s].loan, 0));
        CHECK_OK(tensor_loan_close(stalls[s].loan));
    }
    for (int kind = 0; kind <= EVACUATE; kind++) {
        long tried = atomic_load(&done[kind]) + atomic_load(&refused[kind]);
        CHECK(atomic_load(&done[kind]) > 0 && tried > 0);
    }
}

/* Memory that dies in the moment in which it is the lender's again. */

enum { USERS = 3 };

static atomic_int stop, late;

static void *use_until_told(void *argument)
{
    float memory[COUNT] = {0};
    int64_t shape[1] = {COUNT};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_t *tensor = argument, *own = NULL, *view = NULL;
    if (tensor_as_tensor(&data, NULL, &own) != TENSOR_OK) {
        abort();
    }
    while (!atomic_load(&stop)) {
        tensor_status_t status = tensor_assign(own, tensor, NULL);
        if (status == TENSOR_ERROR_REVOKED) {
            atomic_fetch_add(&late, 1);
        } else if (status == TENSOR_OK && memory[COUNT - 1] != COUNT - 1) {
            abort();
        }
        if (tensor_slice(tensor, 0, 3, 9, 1, &view) == TENSOR_OK) {
            tensor_t *copy = NULL;
            tensor_options_t options = default_options();
            options.copy = TENSOR_COPY_ALWAYS;
            if (tensor_to(view, &options, &copy) == TENSOR_OK && ((float *)tensor_view(copy)->data)[5] != 8) {
                abort();
            }
            tensor_release(copy);
            tensor_release(view);
        }
        const DLTensor *raw = NULL;
        if (tensor_pin(tensor, TENSOR_PIN_READ, &raw) == TENSOR_OK) {
            if (((volatile float *)raw->data)[COUNT - 1] != COUNT - 1) {
                abort();
            }
            tensor_unpin(tensor);
        }
        if (tensor_numel(tensor) != COUNT || tensor_shape(tensor)[0] != COUNT) {
            abort();
        }
        /* Leave room for the lender, who cannot take back what is pinned. */
        usleep(20);
    }
    tensor_release(own);
    tensor_release(tensor);
    return NULL;
}

static void inaccessible_at_once(int how, int times)
{
    for (int time = 0; time < times; time++) {
        float *memory = mmap(NULL, COUNT * sizeof(float), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            abort();
        }
        for (int i = 0; i < COUNT; i++) {
            memory[i] = (float)i;
        }
        int64_t shape[1] = {COUNT};
        DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
        tensor_options_t options = default_options();
        tensor_loan_t *loan = NULL;
        tensor_t *tensor = NULL;
        pthread_t threads[USERS];
        CHECK_OK(tensor_loan_open(memory, COUNT * sizeof(float), 0, &loan));
        options.loan = loan;
        atomic_store(&stop, 0);
        for (int t = 0; t < USERS; t++) {
            /* Some share a handle, some have one of their own. */
            if (t != 1) {
                CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
            } else {
                CHECK_OK(tensor_retain(tensor));
            }
            CHECK(pthread_create(&threads[t], NULL, use_until_told, tensor) == 0);
        }
        usleep(300);
        tensor_status_t status = TENSOR_ERROR_BUSY;
        if (how == CLOSE) {
            /* They are told to go, and the last of them is waited for. */
            CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_BUSY);
            atomic_store(&stop, 1);
            CHECK_OK(tensor_loan_wait(loan, -1));
            status = tensor_loan_close(loan);
        }
        while (status == TENSOR_ERROR_BUSY) {
            status = how == REVOKE ? tensor_loan_revoke(loan) : tensor_loan_evacuate(loan);
        }
        CHECK(mprotect(memory, COUNT * sizeof(float), PROT_NONE) == 0);
        CHECK(status == TENSOR_OK);
        usleep(300);
        atomic_store(&stop, 1);
        for (int t = 0; t < USERS; t++) {
            pthread_join(threads[t], NULL);
        }
        if (how == REVOKE) {
            CHECK_OK(tensor_loan_close(loan));
        }
        CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
        munmap(memory, COUNT * sizeof(float));
    }
}

/* A long copy is waited for: what it reads was there until it ended. */

static int64_t large = 4 << 20;

static void *copy_large(void *tensor)
{
    tensor_options_t options = default_options();
    DLDataType wide = DTYPE_F64;
    options.dtype = &wide;
    tensor_t *copy = NULL;
    atomic_store(&late, 1);
    tensor_status_t status = tensor_to(tensor, &options, &copy);
    if (status == TENSOR_OK && ((double *)tensor_view(copy)->data)[large - 1] != 3) {
        abort();
    }
    tensor_release(copy);
    tensor_release(tensor);
    return NULL;
}

static void copies_in_flight_are_waited_for(int how, int times)
{
    for (int time = 0; time < times; time++) {
        float *memory = mmap(NULL, (size_t)large * sizeof(float), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            abort();
        }
        for (int64_t i = 0; i < large; i++) {
            memory[i] = 3;
        }
        int64_t shape[1] = {large};
        DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
        tensor_options_t options = default_options();
        tensor_loan_t *loan = NULL;
        tensor_t *tensor = NULL;
        pthread_t thread;
        CHECK_OK(tensor_loan_open(memory, (size_t)large * sizeof(float), 0, &loan));
        options.loan = loan;
        CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
        atomic_store(&late, 0);
        CHECK(pthread_create(&thread, NULL, copy_large, tensor) == 0);
        while (!atomic_load(&late)) {
        }
        usleep((unsigned)time * 200);
        CHECK_OK(how == REVOKE ? tensor_loan_revoke(loan) : tensor_loan_evacuate(loan));
        CHECK(munmap(memory, (size_t)large * sizeof(float)) == 0);
        pthread_join(thread, NULL);
        if (how == REVOKE) {
            CHECK_OK(tensor_loan_close(loan));
        }
    }
}

/* No lock is held while a deleter runs: it waits for a thread that does everything with the same loan. */

static tensor_loan_t *shared_loan;
static tensor_t *shared_tensor;
static int deletions;

static void *use_everything(void *ctx)
{
    size_t number;
    tensor_t *view = NULL, *copy = NULL;
    tensor_loan_t *other = NULL;
    const DLTensor *raw = NULL;
    float scratch[4] = {0};
    tensor_options_t options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    note(CLOSE, tensor_loan_count(shared_loan, TENSOR_LOAN_ALIASES, &number));
    note(CLOSE, tensor_loan_close(shared_loan));
    note(CLOSE, tensor_loan_wait(shared_loan, 0));
    if (tensor_loan_open(scratch, sizeof scratch, 0, &other) != TENSOR_OK || tensor_loan_close(other) != TENSOR_OK) {
        abort();
    }
    if (shared_tensor) {
        note(VIEW, tensor_select(shared_tensor, 0, 0, &view));
        note(COPY, tensor_to(shared_tensor, &options, &copy));
        if (tensor_pin(shared_tensor, TENSOR_PIN_WRITE, &raw) == TENSOR_OK) {
            tensor_unpin(shared_tensor);
        }
        tensor_set_label(shared_tensor, "shared");
        tensor_release(view);
        tensor_release(copy);
    }
    return ctx;
}

static void run_elsewhere(void *ctx)
{
    pthread_t thread;
    deletions++;
    if (pthread_create(&thread, NULL, use_everything, ctx) != 0) {
        abort();
    }
    pthread_join(thread, NULL);
}

static void deleters_run_without_locks(void)
{
    float memory[4] = {0};
    int64_t shape[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    for (int how = 0; how < 4; how++) {
        tensor_options_t options = default_options();
        tensor_t *adopted = NULL;
        CHECK_OK(tensor_loan_open(memory, sizeof memory, 0, &shared_loan));
        options.loan = shared_loan;
        CHECK_OK(tensor_as_tensor(&data, &options, &shared_tensor));
        options.deleter = run_elsewhere;
        deletions = 0;
        if (how == 0) {
            CHECK_OK(tensor_copy(&data, &options, &adopted));
        } else {
            CHECK_OK(tensor_as_tensor(&data, &options, &adopted));
        }
        if (how == 1) {
            CHECK_OK(tensor_loan_revoke(shared_loan));
        } else if (how == 2) {
            CHECK_OK(tensor_loan_evacuate(shared_loan));
        }
        tensor_release(adopted);
        CHECK(deletions == 1);
        tensor_release(shared_tensor);
        shared_tensor = NULL;
        tensor_loan_close(shared_loan);
        CHECK_STATUS(tensor_loan_close(shared_loan), TENSOR_ERROR_CLOSED);
    }
}

int main(int argc, char **argv)
{
    int times = 30;
    if (argc > 1) {
        rounds = strcmp(argv[1], "tiny") == 0 ? 200 : atoi(argv[1]);
        times = 5;
        large = 1 << 18;
    }
    for (int how = CLOSE; how <= EVACUATE; how++) {
        inaccessible_at_once(how, times);
    }
    deleters_run_without_locks();
    copies_in_flight_are_waited_for(REVOKE, times / 4 + 1);
    copies_in_flight_are_waited_for(EVACUATE, times / 4 + 1);
    everything_at_once();
    return check_result();
}
