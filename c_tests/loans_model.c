/*
 * Random sequences of everything that can be done with loans, beside a model that is too simple to be wrong: sets of bytes.
 * The model says what each call answers, what is counted, and what every tensor holds. Memory that is the lender's again is
 * made inaccessible.
 */
#define _GNU_SOURCE
#include "check.h"

#include <sys/mman.h>

enum { LOANS = 4, TENSORS = 24, BYTES = 64, PAGE = 4096 };

enum phase { OPEN, REVOKED, EVACUATED };

/** A loan, or what has become of it. Tensors stay on it after its handle is gone. */
struct loan {
    int lent;
    tensor_loan_t *handle;
    enum phase phase;
    uint32_t flags;
    uint8_t *memory;
    /** What the tensors on it hold: the lender's bytes, or the private copy. */
    uint8_t holds[BYTES];
};

struct tensor {
    tensor_t *handle;
    struct loan *loan;
    int64_t start, size, step;
    int is_view, read_only, readers, writing, viewed, exports, references;
    DLManagedTensorVersioned *exported[4];
    char label[8];
};

static struct loan loans[LOANS];
static struct tensor tensors[TENSORS];
static uint64_t state;
static long calls[24];

static int pick(int count)
{
    return (int)(next_random(&state) % (uint64_t)count);
}

static uint64_t bytes_of(const struct tensor *t)
{
    uint64_t set = 0;
    for (int64_t i = 0; i < t->size; i++) {
        set |= (uint64_t)1 << (t->start + i * t->step);
    }
    return set;
}

static int pins_of(const struct tensor *t)
{
    return t->readers + t->writing + t->viewed;
}

static int alive(const struct tensor *t)
{
    return t->references > 0;
}

/** What is in the way of reading or writing what `t` reaches. */
static int is_excluded(const struct tensor *t, int writes)
{
    for (int i = 0; i < TENSORS; i++) {
        const struct tensor *other = &tensors[i];
        if (alive(other) && other->loan == t->loan && pins_of(other) > 0 && (writes || other->writing) &&
            (bytes_of(other) & bytes_of(t))) {
            return 1;
        }
    }
    return 0;
}

static tensor_status_t use_of(const struct tensor *t, int writes)
{
    if (writes && t->read_only) {
        return TENSOR_ERROR_READ_ONLY;
    }
    if (t->loan->phase == REVOKED) {
        return TENSOR_ERROR_REVOKED;
    }
    return is_excluded(t, writes) ? TENSOR_ERROR_ALIASED : TENSOR_OK;
}

static size_t count_of(const struct loan *loan, int32_t kind)
{
    size_t number = 0;
    for (int i = 0; i < TENSORS; i++) {
        const struct tensor *t = &tensors[i];
        if (t->loan != loan) {
            continue;
        }
        if (alive(t)) {
            number += (kind == TENSOR_LOAN_ALIASES) + (kind == (t->is_view ? TENSOR_LOAN_VIEWS : TENSOR_LOAN_TENSORS));
            number += kind == TENSOR_LOAN_PINS ? (size_t)pins_of(t) : 0;
        }
        number += kind == TENSOR_LOAN_EXPORTS || kind == TENSOR_LOAN_ALIASES ? (size_t)t->exports : 0;
    }
    return number;
}

/** A place for another tensor: one that is gone, with all its exports. */
static struct tensor *room(void)
{
    for (int i = 0; i < TENSORS; i++) {
        if (!alive(&tensors[i]) && tensors[i].exports == 0) {
            memset(&tensors[i], 0, sizeof tensors[i]);
            return &tensors[i];
        }
    }
    return NULL;
}

static struct tensor *any_tensor(void)
{
    for (int tries = 0; tries < 40; tries++) {
        struct tensor *t = &tensors[pick(TENSORS)];
        if (alive(t)) {
            return t;
        }
    }
    return NULL;
}

static void lend(struct loan *loan)
{
    for (int i = 0; i < TENSORS; i++) {
        if (tensors[i].loan == loan && (alive(&tensors[i]) || tensors[i].exports)) {
            return; /* Something is still on what was here before. */
        }
    }
    CHECK(mprotect(loan->memory, PAGE, PROT_READ | PROT_WRITE) == 0);
    for (int i = 0; i < BYTES; i++) {
        loan->holds[i] = loan->memory[i] = (uint8_t)next_random(&state);
    }
    loan->flags = pick(4) == 0 ? TENSOR_LOAN_READ_ONLY : 0;
    CHECK_OK(tensor_loan_open(loan->memory, BYTES, loan->flags, &loan->handle));
    loan->lent = 1;
    loan->phase = OPEN;
}

static void returned(struct loan *loan)
{
    memset(loan->memory, 0xee, BYTES);
    CHECK(mprotect(loan->memory, PAGE, PROT_NONE) == 0);
}

static void borrow(struct loan *loan)
{
    struct tensor *t = room();
    if (!t) {
        return;
    }
    int64_t shape[1], strides[1];
    t->step = pick(7) - 3;
    t->size = t->step == 0 ? 1 : 1 + pick(20);
    t->start = pick(BYTES + 4) - 2;
    shape[0] = t->size;
    strides[0] = t->step;
    int64_t last = t->start + (t->size - 1) * t->step;
    int inside = t->start >= 0 && t->start < BYTES && last >= 0 && last < BYTES;
    DLTensor data = describe(loan->memory + t->start, DTYPE_U8, 1, shape, strides);
    tensor_options_t options = default_options();
    options.loan = loan->handle;
    options.flags = pick(4) == 0 ? TENSOR_FLAG_READ_ONLY : 0;
    tensor_status_t expected = !loan->handle           ? TENSOR_OK
                               : !loan->lent           ? TENSOR_ERROR_CLOSED
                               : loan->phase != OPEN   ? TENSOR_ERROR_REVOKED
                               : !inside               ? TENSOR_ERROR_BOUNDS
                                                       : TENSOR_OK;
    if (!loan->handle) {
        return;
    }
    CHECK_STATUS(tensor_as_tensor(&data, &options, &t->handle), expected);
    if (expected == TENSOR_OK) {
        t->references = 1;
        t->loan = loan;
        t->read_only = loan->flags || options.flags;
    }
}

static void make_view(struct tensor *base)
{
    struct tensor *t = room();
    if (!t) {
        return;
    }
    int64_t start = pick((int)base->size), step = 1 + pick(3), stop = start + pick(12);
    stop = stop > base->size ? base->size : stop;
    t->size = stop > start ? (stop - start + step - 1) / step : 0;
    t->start = t->size ? base->start + start * base->step : base->start;
    t->step = t->size > 1 ? base->step * step : base->step; /* With one element a stride means nothing, and is kept. */
    tensor_status_t expected = base->loan->phase == REVOKED ? TENSOR_ERROR_REVOKED : TENSOR_OK;
    if (t->size == 0) {
        return; /* The model keeps to tensors that have elements. */
    }
    CHECK_STATUS(tensor_slice(base->handle, 0, start, stop, step, &t->handle), expected);
    if (expected == TENSOR_OK) {
        t->references = 1;
        t->is_view = 1;
        t->loan = base->loan;
        t->read_only = base->read_only;
    }
}

static void release(struct tensor *t)
{
    tensor_release(t->handle);
    t->references--;
}

static void pin(struct tensor *t)
{
    const DLTensor *raw = NULL;
    int writes = pick(2);
    tensor_status_t expected = use_of(t, writes);
    CHECK_STATUS(tensor_pin(t->handle, writes ? TENSOR_PIN_WRITE : TENSOR_PIN_READ, &raw), expected);
    CHECK((raw != NULL) == (expected == TENSOR_OK));
    if (expected != TENSOR_OK) {
        return;
    }
    t->references++;
    uint8_t *data = raw->data;
    for (int64_t i = 0; i < t->size; i++) {
        uint8_t *held = &t->loan->holds[t->start + i * t->step];
        CHECK(data[i * t->step] == *held);
        if (writes) {
            *held = data[i * t->step] = (uint8_t)next_random(&state);
        }
    }
    if (writes) {
        t->writing = 1;
    } else {
        t->readers++;
    }
}

static void unpin(struct tensor *t)
{
    int pinned = t->readers + t->writing > 0;
    CHECK_STATUS(tensor_unpin(t->handle), pinned ? TENSOR_OK : TENSOR_ERROR_ARGUMENT);
    if (pinned) {
        t->references--;
        if (t->writing) {
            t->writing = 0;
        } else {
            t->readers--;
        }
    }
}

static void export_one(struct tensor *t)
{
    DLManagedTensorVersioned *managed = NULL;
    tensor_status_t expected = t->loan->phase == REVOKED ? TENSOR_ERROR_REVOKED : TENSOR_OK;
    if (t->exports == 4) {
        return;
    }
    CHECK_STATUS(tensor_to_dlpack(t->handle, NULL, &managed), expected);
    if (managed) {
        CHECK(((uint8_t *)managed->dl_tensor.data)[0] == t->loan->holds[t->start]);
        t->exported[t->exports++] = managed;
    }
}

static void give_back(struct tensor *t)
{
    if (t->exports > 0) {
        DLManagedTensorVersioned *managed = t->exported[--t->exports];
        managed->deleter(managed);
    }
}

static void look(struct tensor *t)
{
    const DLTensor *raw = tensor_view(t->handle);
    CHECK(raw->shape[0] == t->size && raw->strides[0] == t->step && (raw->data == NULL) == (t->loan->phase == REVOKED));
    if (t->loan->phase == OPEN) {
        t->viewed = 1;
        CHECK((uint8_t *)raw->data == t->loan->memory + t->start);
    }
}

/** Reads the tensor through the library, which must find what the model has. */
static void read_back(struct tensor *t)
{
    uint8_t bytes[BYTES];
    int64_t shape[1] = {t->size};
    DLTensor data = describe(bytes, DTYPE_U8, 1, shape, NULL);
    tensor_t *own = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &own));
    tensor_status_t expected = use_of(t, 0);
    CHECK_STATUS(tensor_assign(own, t->handle, NULL), expected);
    for (int64_t i = 0; expected == TENSOR_OK && i < t->size; i++) {
        CHECK(bytes[i] == t->loan->holds[t->start + i * t->step]);
    }
    tensor_release(own);
}

static void fill(struct tensor *t)
{
    uint8_t value = (uint8_t)next_random(&state);
    DLTensor data = describe(&value, DTYPE_U8, 0, NULL, NULL);
    tensor_status_t expected = use_of(t, 1);
    CHECK_STATUS(tensor_copy_into(t->handle, &data, NULL), expected);
    for (int64_t i = 0; expected == TENSOR_OK && i < t->size; i++) {
        t->loan->holds[t->start + i * t->step] = value;
    }
}

/** From one tensor to another, which may overlap it. */
static void assign(struct tensor *to, struct tensor *from)
{
    if (to->size != from->size) {
        return;
    }
    tensor_status_t expected = to->read_only ? TENSOR_ERROR_READ_ONLY : use_of(from, 0);
    expected = expected == TENSOR_OK ? use_of(to, 1) : expected;
    CHECK_STATUS(tensor_assign(to->handle, from->handle, NULL), expected);
    if (expected == TENSOR_OK) {
        uint8_t held[BYTES];
        memcpy(held, from->loan->holds, BYTES);
        for (int64_t i = 0; i < to->size; i++) {
            to->loan->holds[to->start + i * to->step] = held[from->start + i * from->step];
        }
    }
}

static void end(struct loan *loan, int how)
{
    tensor_status_t expected = TENSOR_OK;
    if (!loan->handle) {
        return;
    }
    size_t aliases = count_of(loan, TENSOR_LOAN_ALIASES);
    size_t pointers = count_of(loan, TENSOR_LOAN_PINS) + count_of(loan, TENSOR_LOAN_EXPORTS);
    int was_open = loan->lent && loan->phase == OPEN;
    if (!loan->lent) {
        expected = TENSOR_ERROR_CLOSED;
    } else if (how == 0 && loan->phase == OPEN && aliases > 0) {
        expected = TENSOR_ERROR_BUSY;
    } else if (how == 1 && loan->phase == OPEN && pointers > 0) {
        expected = TENSOR_ERROR_BUSY;
    } else if (how == 2) {
        expected = loan->phase == REVOKED ? TENSOR_ERROR_REVOKED : pointers > 0 ? TENSOR_ERROR_BUSY : TENSOR_OK;
    } else if (how == 3) {
        expected = loan->phase == OPEN && aliases > 0 ? TENSOR_ERROR_BUSY : TENSOR_OK;
    }
    tensor_status_t status = how == 0   ? tensor_loan_close(loan->handle)
                             : how == 1 ? tensor_loan_revoke(loan->handle)
                             : how == 2 ? tensor_loan_evacuate(loan->handle)
                                        : tensor_loan_wait(loan->handle, 0);
    CHECK_STATUS(status, expected);
    if (status == TENSOR_ERROR_BUSY && aliases > 0) {
        char text[32];
        size_t tensors_on_it = count_of(loan, TENSOR_LOAN_TENSORS), exports = count_of(loan, TENSOR_LOAN_EXPORTS);
        if (tensors_on_it > 0) {
            snprintf(text, sizeof text, "%zu tensor", tensors_on_it);
            CHECK_MESSAGE(text);
        }
        if (exports > 0) {
            snprintf(text, sizeof text, "%zu export", exports);
            CHECK_MESSAGE(text);
        }
    }
    if (status != TENSOR_OK || how == 3) {
        return;
    }
    if (how == 1) {
        loan->phase = REVOKED;
    } else {
        loan->lent = 0;
        loan->phase = how == 2 ? EVACUATED : loan->phase;
    }
    if (was_open) {
        returned(loan);
    }
}

static void check_counts(void)
{
    for (int l = 0; l < LOANS; l++) {
        for (int32_t kind = 0; loans[l].lent && kind <= TENSOR_LOAN_PINS; kind++) {
            size_t number = 999;
            CHECK_OK(tensor_loan_count(loans[l].handle, kind, &number));
            CHECK(number == count_of(&loans[l], kind));
        }
    }
}

static void step(void)
{
    int what = pick(20);
    struct loan *loan = &loans[pick(LOANS)];
    struct tensor *t = any_tensor(), *other = any_tensor();
    calls[what]++;
    if (what < 4) {
        if (loan->lent || pick(3) == 0) {
            borrow(loan);
        } else {
            lend(loan);
        }
        return;
    }
    if (what >= 17) {
        end(loan, pick(4));
        return;
    }
    if (!t) {
        return;
    }
    switch (what) {
    case 4: case 5: make_view(t); break;
    case 6: pin(t); break;
    case 7: case 8: unpin(t); break;
    case 9: export_one(t); break;
    case 10: give_back(&tensors[pick(TENSORS)]); break;
    case 11: if (pick(4) == 0) { look(t); } break;
    case 12: read_back(t); break;
    case 13: fill(t); break;
    case 14: if (other) { assign(t, other); } break;
    case 15:
        CHECK_OK(tensor_retain(t->handle));
        t->references++;
        break;
    default:
        /* The references of pins are theirs. */
        if (t->references > t->readers + t->writing) {
            release(t);
        }
    }
}

static void clear(void)
{
    for (int i = 0; i < TENSORS; i++) {
        struct tensor *t = &tensors[i];
        while (t->exports > 0) {
            give_back(t);
        }
        while (alive(t) && t->readers + t->writing > 0) {
            unpin(t);
        }
        while (alive(t)) {
            release(t);
        }
    }
    for (int l = 0; l < LOANS; l++) {
        if (loans[l].lent) {
            end(&loans[l], 0);
        }
        CHECK(!loans[l].lent);
        loans[l].handle = NULL;
    }
    memset(tensors, 0, sizeof tensors);
}

int main(int argc, char **argv)
{
    int tiny = argc > 1 && strcmp(argv[1], "tiny") == 0, sequences = tiny ? 200 : 8000;
    for (int l = 0; l < LOANS; l++) {
        loans[l].memory = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (loans[l].memory == MAP_FAILED) {
            perror("mmap");
            return 1;
        }
    }
    for (int sequence = 0; sequence < sequences && check_failures == 0; sequence++) {
        state = (uint64_t)sequence;
        int length = 20 + pick(200);
        for (int i = 0; i < length && check_failures == 0; i++) {
            step();
            check_counts();
        }
        if (check_failures > 0) {
            fprintf(stderr, "in sequence %d\n", sequence);
            break;
        }
        clear();
    }
    for (int what = 0; what < 20; what++) {
        CHECK(calls[what] > 0);
    }
    return check_result();
}
