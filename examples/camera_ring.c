/*
 * A ring of frame buffers, lent to consumers on threads. The camera fills a buffer again only when nobody reaches it any
 * more; for a consumer that is too slow it does not wait: the frame is moved away from under it, values and all.
 *
 *     cc camera_ring.c -lastensor -lpthread && ./a.out
 */
#define _POSIX_C_SOURCE 200809L
#include <astensor/astensor.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUFFERS = 3, HEIGHT = 48, WIDTH = 64, FRAMES = 60, CONSUMERS = 2 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((call) != TENSOR_OK) {                                                                                     \
            fprintf(stderr, "%s: %s\n", #call, tensor_last_error());                                                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/** What a consumer has not looked at yet: the latest frame that was shown to it. */
struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    tensor_t *frame;
    int number, finished;
};

struct consumer {
    const char *name;
    long microseconds;
    struct mailbox mailbox;
    int seen, wrong;
    long sum;
};

struct buffer {
    uint8_t pixels[HEIGHT][WIDTH][3];
    tensor_loan_t *loan;
};

static void pause_for(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, NULL);
}

/** Adds up the green channel of a frame, in some milliseconds, a row at a time. */
static void look_at(struct consumer *consumer, tensor_t *frame, int number)
{
    tensor_t *green = NULL;
    long sum = 0;
    TRY(tensor_select(frame, 2, 1, &green));
    for (int row = 0; row < HEIGHT; row++) {
        int64_t width = WIDTH;
        uint8_t line[WIDTH];
        DLTensor into = {.data = line, .device = {kDLCPU, 0}, .ndim = 1, .dtype = {kDLUInt, 8, 1}, .shape = &width};
        tensor_t *source = NULL, *target = NULL;
        /* The frame may be moved between any two of these calls; nothing of that is seen here. */
        TRY(tensor_select(green, 0, row, &source));
        TRY(tensor_as_tensor(&into, NULL, &target));
        TRY(tensor_assign(target, source, NULL));
        tensor_release(target);
        tensor_release(source);
        for (int column = 0; column < WIDTH; column++) {
            sum += line[column];
        }
        pause_for(consumer->microseconds / HEIGHT);
    }
    tensor_release(green);
    consumer->wrong += sum != (long)HEIGHT * WIDTH * number;
    consumer->sum += sum;
    consumer->seen++;
}

static void *consume(void *argument)
{
    struct consumer *consumer = argument;
    struct mailbox *mailbox = &consumer->mailbox;
    for (;;) {
        pthread_mutex_lock(&mailbox->lock);
        while (!mailbox->frame && !mailbox->finished) {
            pthread_cond_wait(&mailbox->changed, &mailbox->lock);
        }
        tensor_t *frame = mailbox->frame;
        int number = mailbox->number;
        mailbox->frame = NULL;
        pthread_mutex_unlock(&mailbox->lock);
        if (!frame) {
            return NULL;
        }
        look_at(consumer, frame, number);
        tensor_release(frame);
    }
}

/** Shows a frame to a consumer, instead of one that it has not looked at yet. */
static void show(struct consumer *consumer, tensor_t *frame, int number)
{
    struct mailbox *mailbox = &consumer->mailbox;
    tensor_t *view = NULL;
    TRY(tensor_to(frame, NULL, &view));
    TRY(tensor_set_label(view, consumer->name));
    pthread_mutex_lock(&mailbox->lock);
    tensor_release(mailbox->frame);
    mailbox->frame = view;
    mailbox->number = number;
    pthread_cond_signal(&mailbox->changed);
    pthread_mutex_unlock(&mailbox->lock);
}

int main(void)
{
    static struct buffer ring[BUFFERS];
    static struct consumer consumers[CONSUMERS] = {{.name = "preview", .microseconds = 1000},
                                                   {.name = "recognition", .microseconds = 20000}};
    pthread_t threads[CONSUMERS];
    int64_t shape[3] = {HEIGHT, WIDTH, 3};
    int waited = 0, evacuated = 0;
    char last[128] = "nobody";
    for (int c = 0; c < CONSUMERS; c++) {
        pthread_mutex_init(&consumers[c].mailbox.lock, NULL);
        pthread_cond_init(&consumers[c].mailbox.changed, NULL);
        pthread_create(&threads[c], NULL, consume, &consumers[c]);
    }
    for (int number = 0; number < FRAMES; number++) {
        struct buffer *buffer = &ring[number % BUFFERS];
        if (buffer->loan && tensor_loan_close(buffer->loan) != TENSOR_OK) {
            /* Somebody still has it: wait as long as the camera can, then take it back all the same. */
            snprintf(last, sizeof last, "%s", tensor_last_error());
            waited++;
            tensor_status_t status = tensor_loan_wait(buffer->loan, 1000000);
            if (status == TENSOR_OK) {
                TRY(tensor_loan_close(buffer->loan));
            } else {
                evacuated++;
                TRY(tensor_loan_evacuate(buffer->loan));
            }
        }
        /* The buffer is the camera's. */
        memset(buffer->pixels, number, sizeof buffer->pixels);
        DLTensor data = {.data = buffer->pixels, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLUInt, 8, 1}, .shape = shape};
        tensor_options_t options = TENSOR_OPTIONS_INIT;
        tensor_t *frame = NULL;
        TRY(tensor_loan_open(buffer->pixels, sizeof buffer->pixels, TENSOR_LOAN_READ_ONLY, &buffer->loan));
        options.loan = buffer->loan;
        TRY(tensor_as_tensor(&data, &options, &frame));
        for (int c = 0; c < CONSUMERS; c++) {
            show(&consumers[c], frame, number);
        }
        tensor_release(frame);
        pause_for(1500);
    }
    int right = 1;
    for (int c = 0; c < CONSUMERS; c++) {
        struct mailbox *mailbox = &consumers[c].mailbox;
        pthread_mutex_lock(&mailbox->lock);
        mailbox->finished = 1;
        pthread_cond_signal(&mailbox->changed);
        pthread_mutex_unlock(&mailbox->lock);
        pthread_join(threads[c], NULL);
        printf("%-12s looked at %d of %d frames, %d of them changed while it did\n", consumers[c].name, consumers[c].seen,
               FRAMES, consumers[c].wrong);
        right &= consumers[c].wrong == 0 && consumers[c].seen > 0;
    }
    for (int b = 0; b < BUFFERS; b++) {
        TRY(tensor_loan_close(ring[b].loan));
    }
    printf("the camera found a buffer in use %d times and evacuated it %d times\n", waited, evacuated);
    printf("the last time: %s\n", last);
    return right && evacuated > 0 ? 0 : 1;
}
