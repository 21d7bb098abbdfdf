// A Go slice as a tensor, without copying it:
//
//	CGO_CFLAGS=-I.../include CGO_LDFLAGS="-L.../lib -lastensor" go run .
//
// The rule of cgo: the elements of a slice that is passed to a C function are pinned until that function returns, and C
// must not keep their address any longer. So memory of Go's is borrowed, used and released inside one call, and the loan,
// which is closed before the call returns, proves that nobody in C has it any more. (From Go 1.21 on, a runtime.Pinner pins
// it for longer: from Pin() until Unpin(), which then comes after the release.) What is to live longer is C's memory, which
// Go sees as a slice: the tensor adopts it and frees it after its last alias; no slice may be used after that.
package main

/*
#include <astensor/astensor.h>
#include <stdlib.h>

static DLTensor describe(float *data, int32_t ndim, int64_t *shape) {
    DLTensor made = {.data = data, .device = {kDLCPU, 0}, .ndim = ndim, .dtype = {kDLFloat, 32, 1}, .shape = shape};
    return made;
}

// Turns the rows of a table around, in place: all that is done with memory of Go's, from loan to end of it.
static tensor_status_t flip_rows(float *data, int64_t rows, int64_t columns, uintptr_t *address) {
    int64_t shape[2] = {rows, columns};
    int32_t first = 0;
    tensor_t *table = NULL, *flipped = NULL;
    const DLTensor *pinned = NULL;
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    DLTensor description = describe(data, 2, shape);
    tensor_status_t status = tensor_loan_open(data, (size_t)(rows * columns) * sizeof *data, 0, &options.loan);
    if (status != TENSOR_OK) return status;
    status = tensor_as_tensor(&description, &options, &table);
    if (status == TENSOR_OK) status = tensor_pin(table, TENSOR_PIN_READ, &pinned);
    if (status == TENSOR_OK) {
        *address = (uintptr_t)pinned->data;
        status = tensor_unpin(table);
    }
    if (status == TENSOR_OK) status = tensor_flip(table, 1, &first, &flipped);
    if (status == TENSOR_OK) status = tensor_assign(table, flipped, NULL);
    tensor_release(flipped);
    tensor_release(table);
    tensor_status_t closed = tensor_loan_close(options.loan);
    return status != TENSOR_OK ? status : closed;
}

static int freed;
static void free_block(void *block) {
    free(block);
    freed++;
}
static int times_freed(void) { return freed; }

// A table of C's, which goes with the last alias of the tensor.
static tensor_status_t new_table(int64_t rows, int64_t columns, float **data, tensor_t **out) {
    int64_t shape[2] = {rows, columns};
    *data = calloc((size_t)(rows * columns), sizeof **data);
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.deleter = free_block;
    options.deleter_ctx = *data;
    DLTensor description = describe(*data, 2, shape);
    tensor_status_t status = tensor_as_tensor(&description, &options, out);
    if (status != TENSOR_OK) free(*data);
    return status;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// FlipRows turns the rows of a table around, in place. It returns the address that the tensor had.
func FlipRows(numbers []float32, rows, columns int) (uintptr, error) {
	if rows < 1 || columns < 1 || len(numbers) < rows*columns {
		return 0, errors.New("the slice is too short")
	}
	// The message is the thread's, so the goroutine stays on it until it has been read.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var address C.uintptr_t
	status := C.flip_rows((*C.float)(unsafe.Pointer(&numbers[0])), C.int64_t(rows), C.int64_t(columns), &address)
	return uintptr(address), failure(status)
}

func failure(status C.tensor_status_t) error {
	if status == C.TENSOR_OK {
		return nil
	}
	return errors.New(C.GoString(C.tensor_status_name(status)) + ": " + C.GoString(C.tensor_last_error()))
}

// Text is the tensor as torch prints it.
func Text(tensor *C.tensor_t) string {
	var buffer [256]C.char
	if C.tensor_format(tensor, nil, &buffer[0], C.size_t(len(buffer)), nil) != C.TENSOR_OK {
		return ""
	}
	return C.GoString(&buffer[0])
}

func hold(condition bool, claim string) {
	if !condition {
		fmt.Fprintln(os.Stderr, "not so:", claim)
		os.Exit(1)
	}
}

func main() {
	numbers := make([]float32, 6)
	for i := range numbers {
		numbers[i] = float32(i + 1)
	}
	address, err := FlipRows(numbers, 2, 3)
	hold(err == nil, fmt.Sprint("the rows were turned around: ", err))
	hold(address == uintptr(unsafe.Pointer(&numbers[0])), "the tensor's memory was the slice's")
	hold(numbers[0] == 4 && numbers[2] == 6 && numbers[3] == 1, "what C wrote is in the slice")

	var data *C.float
	var tensor, column *C.tensor_t
	hold(C.new_table(2, 3, &data, &tensor) == C.TENSOR_OK, "a table was made")
	shared := unsafe.Slice((*float32)(data), 6)
	copy(shared, numbers)
	hold(uintptr(C.tensor_view(tensor).data) == uintptr(unsafe.Pointer(&shared[0])), "the slice shows the tensor's memory")
	hold(C.tensor_select(tensor, 1, -1, &column) == C.TENSOR_OK, "a view was made")
	shared[2] = 60
	hold(Text(column) == "tensor([60.,  3.])", "what Go wrote is in the tensor: "+Text(column))
	C.tensor_release(tensor)
	hold(C.times_freed() == 0 && Text(column) == "tensor([60.,  3.])", "the view keeps the memory")
	shared = nil
	C.tensor_release(column)
	hold(C.times_freed() == 1, "the memory went with the last alias")

	runtime.LockOSThread()
	hold(C.tensor_select(nil, 0, 0, &column) == C.TENSOR_ERROR_NULL && column == nil, "NULL is refused")
	fmt.Println("Go: a slice was borrowed for a call and written in place; memory of C's was a slice until its last alias went")
}
