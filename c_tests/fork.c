/* After fork: handles made before it work in the child, and copies that use threads finish there. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 4 << 20 };

static int deleted;

static void count_deletion(void *ctx)
{
    (void)ctx;
    deleted++;
}

static int copies_finish(const DLTensor *source)
{
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *copy = NULL;
    options.dtype = &dtype;
    if (tensor_copy(source, &options, &copy) != TENSOR_OK) {
        return 0;
    }
    int right = ((double *)tensor_view(copy)->data)[COUNT - 1] == 7;
    tensor_release(copy);
    return right;
}

/** Ends a child as another program, so that tools do not look in it for memory of the threads that its parent has. */
static void end_child(int right)
{
    const char *program = right ? "true" : "false";
    execlp(program, program, (char *)NULL);
    _exit(2);
}

/* AddressSanitizer's allocator has locks that a child finds as they were: under it nobody allocates while a child is made. */
#ifdef __SANITIZE_ADDRESS__
enum { PAUSES = 1 };
#else
enum { PAUSES = 0 };
#endif
static pthread_rwlock_t pause_lock = PTHREAD_RWLOCK_INITIALIZER;

static pid_t make_child(void)
{
    if (PAUSES) {
        pthread_rwlock_wrlock(&pause_lock);
    }
    pid_t child = fork();
    if (PAUSES && child != 0) {
        pthread_rwlock_unlock(&pause_lock);
    }
    return child;
}

static atomic_int stop;
static float lent[64];
static tensor_loan_t *loan;

static tensor_t *on_loan(void)
{
    int64_t shape[1] = {64};
    DLTensor data = describe(lent, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.loan = loan;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    return tensor;
}

/** Keeps the loan, and others, busy. */
static void *be_busy(void *argument)
{
    tensor_t *tensor = argument;
    while (!atomic_load(&stop)) {
        if (PAUSES) {
            pthread_rwlock_rdlock(&pause_lock);
        }
        tensor_t *view = NULL, *own = on_loan();
        tensor_loan_t *other = NULL;
        float scratch[64];
        CHECK_OK(tensor_loan_open(scratch, sizeof scratch, 0, &other));
        CHECK_OK(tensor_slice(tensor, 0, 0, 32, 1, &view));
        CHECK_OK(tensor_assign(view, view, NULL));
        tensor_release(view);
        tensor_release(own);
        CHECK_OK(tensor_loan_evacuate(other));
        if (PAUSES) {
            pthread_rwlock_unlock(&pause_lock);
        }
    }
    tensor_release(tensor);
    return NULL;
}

/** In a child: the loan that others were busy with is neither locked nor waiting for them. */
static int loan_works(tensor_t *tensor)
{
    size_t aliases = 0;
    tensor_t *view = NULL;
    tensor_loan_t *other = NULL;
    int right = tensor_loan_count(loan, TENSOR_LOAN_ALIASES, &aliases) == TENSOR_OK && aliases >= 2;
    right &= tensor_slice(tensor, 0, 0, 32, 1, &view) == TENSOR_OK && tensor_assign(view, view, NULL) == TENSOR_OK;
    tensor_release(view);
    right &= tensor_loan_open(lent, sizeof lent, 0, &other) == TENSOR_OK && tensor_loan_close(other) == TENSOR_OK;
    right &= tensor_loan_wait(loan, 1000) == TENSOR_ERROR_BUSY;
    right &= tensor_loan_revoke(loan) == TENSOR_OK && tensor_loan_close(loan) == TENSOR_OK;
    return right;
}

static void loans_are_inherited(int rounds)
{
    pthread_t threads[2];
    CHECK_OK(tensor_loan_open(lent, sizeof lent, 0, &loan));
    tensor_t *tensor = on_loan();
    for (int t = 0; t < 2; t++) {
        tensor_t *whole = NULL;
        int64_t start = 32 * t;
        CHECK_OK(tensor_slice(tensor, 0, start, start + 32, 1, &whole));
        CHECK(pthread_create(&threads[t], NULL, be_busy, whole) == 0);
    }
    for (int round = 0; round < rounds; round++) {
        pid_t child = make_child();
        if (child == 0) {
            alarm(60);
            end_child(loan_works(tensor));
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, 1);
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
    }
    tensor_release(tensor);
    CHECK_OK(tensor_loan_close(loan));
}

int main(int argc, char **argv)
{
    loans_are_inherited(argc > 1 && strcmp(argv[1], "tiny") == 0 ? 5 : 300);
    int64_t shape[1] = {COUNT};
    float *data = malloc(sizeof(float) * COUNT);
    if (!data) {
        return 1;
    }
    for (int i = 0; i < COUNT; i++) {
        data[i] = 7;
    }
    DLTensor source = describe(data, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.deleter = count_deletion;
    CHECK_OK(tensor_set_num_threads(3));
    CHECK_OK(tensor_as_tensor(&source, &options, &tensor));
    CHECK(copies_finish(&source));
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            int right = copies_finish(&source) && tensor_use_count(tensor) == 1;
            tensor_release(tensor);
            free(data);
            end_child(right && deleted == 1);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(copies_finish(&source));
    CHECK(deleted == 0);
    tensor_release(tensor);
    CHECK(deleted == 1);
    free(data);
    return check_result();
}
