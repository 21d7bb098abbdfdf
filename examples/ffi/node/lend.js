// A JavaScript typed array as a tensor, without copying it; with koffi from npm:
//     node lend.js path/to/libastensor.so
//
// The rule of Node.js: the memory of an ArrayBuffer that was made as one lies outside the collector's heap and does not
// move. (The elements of a small `new Float32Array(n)` lie inside it, until somebody asks for its `buffer`; so the buffer
// is made first.) It goes when nothing in JavaScript refers to it any more, and a pointer that C holds is no reference; and
// it is taken away when it is transferred: by postMessage(), structuredClone() or transfer(). So the array is kept, and
// not transferred, until the tensor is released; the loan, which is closed before, proves that nobody in C has it any more.
"use strict";
const assert = require("node:assert");
const koffi = require("koffi");

const library = koffi.load(process.argv[2]);

koffi.struct("DLDevice", { device_type: "int32_t", device_id: "int32_t" });
koffi.struct("DLDataType", { code: "uint8_t", bits: "uint8_t", lanes: "uint16_t" });
koffi.struct("DLTensor", {
    data: "void *",
    device: "DLDevice",
    ndim: "int32_t",
    dtype: "DLDataType",
    shape: "int64_t *",
    strides: "int64_t *",
    byte_offset: "uint64_t",
});
koffi.opaque("tensor_t");
koffi.opaque("tensor_loan_t");
const Options = koffi.struct("tensor_options_t", {
    struct_size: "uint32_t",
    flags: "uint32_t",
    dtype: "DLDataType *",
    device: "DLDevice *",
    copy: "int32_t",
    casting: "int32_t",
    overflow: "int32_t",
    reserved: "int32_t",
    alignment: "size_t",
    nbytes: "size_t",
    loan: "tensor_loan_t *",
    deleter: "void *",
    deleter_ctx: "void *",
});

const lastError = library.func("const char *tensor_last_error()");
function checked(declaration) {
    const call = library.func(declaration);
    return (...values) => {
        if (call(...values) !== 0) throw new Error(lastError());
    };
}
/** A function whose last argument is where the result goes, as one that returns it. */
function returning(declaration) {
    const call = checked(declaration);
    return (...values) => {
        const out = [null];
        call(...values, out);
        return out[0];
    };
}
const openLoan = returning("int32_t tensor_loan_open(void *data, size_t nbytes, uint32_t flags, _Out_ tensor_loan_t **out)");
const closeLoan = checked("int32_t tensor_loan_close(tensor_loan_t *loan)");
const asTensor = returning("int32_t tensor_as_tensor(DLTensor *data, tensor_options_t *options, _Out_ tensor_t **out)");
const select = returning("int32_t tensor_select(tensor_t *tensor, int32_t dim, int64_t index, _Out_ tensor_t **out)");
const copyInto = checked("int32_t tensor_copy_into(tensor_t *destination, DLTensor *source, tensor_options_t *options)");
const pin = returning("int32_t tensor_pin(tensor_t *tensor, uint32_t access, _Out_ void **out)");
const unpin = checked("int32_t tensor_unpin(tensor_t *tensor)");
const format = checked("int32_t tensor_format(tensor_t *tensor, void *options, uint8_t *buffer, size_t capacity, void *needed)");
const release = library.func("void tensor_release(tensor_t *tensor)");

const codes = new Map([
    [Int8Array, [0, 8]], [Int16Array, [0, 16]], [Int32Array, [0, 32]], [BigInt64Array, [0, 64]],
    [Uint8Array, [1, 8]], [Uint16Array, [1, 16]], [Uint32Array, [1, 32]], [BigUint64Array, [1, 64]],
    [Float32Array, [2, 32]], [Float64Array, [2, 64]],
]);
/** What a typed array looks like; its address is of use only while the array is kept. */
function describe(array, shape) {
    const [code, bits] = codes.get(array.constructor);
    return {
        data: koffi.address(array),
        device: { device_type: 1, device_id: 0 },
        ndim: shape.length,
        dtype: { code, bits, lanes: 1 },
        shape,
        strides: null,
        byte_offset: 0,
    };
}
const options = (loan) => ({
    struct_size: koffi.sizeof(Options), flags: 0, dtype: null, device: null, copy: 0, casting: 0, overflow: 0, reserved: 0,
    alignment: 0, nbytes: 0, loan, deleter: null, deleter_ctx: null,
});
function text(tensor) {
    const buffer = Buffer.alloc(256);
    format(tensor, null, buffer, buffer.length, null);
    return buffer.toString("utf8", 0, buffer.indexOf(0));
}

const numbers = new Float32Array(new ArrayBuffer(6 * 4));
numbers.set([1, 2, 3, 4, 5, 6]);
const loan = openLoan(koffi.address(numbers), numbers.byteLength, 0);
const tensor = asTensor(describe(numbers, [2, 3]), options(loan));
const column = select(tensor, 1, -1);

// The same memory, not memory with the same in it. A pin shows it for a while.
assert.strictEqual(koffi.decode(pin(tensor, 1), "DLTensor").data, koffi.address(numbers));
unpin(tensor);
// JavaScript writes, the tensor shows it.
numbers[2] = 30;
assert.strictEqual(text(column), "tensor([30.,  6.])");
// The tensor is written, JavaScript reads it.
copyInto(column, describe(new Float32Array(new ArrayBuffer(4)), []), null);
assert.deepStrictEqual([...numbers], [1, 2, 0, 4, 5, 0]);
if (globalThis.gc) globalThis.gc();
assert.strictEqual(koffi.address(numbers), koffi.decode(pin(tensor, 1), "DLTensor").data);
unpin(tensor);

// Not before both handles are gone is the memory JavaScript's alone again, and may be transferred.
let busy = "";
assert.throws(() => closeLoan(loan), (error) => (busy = error.message).includes("1 tensor, 1 view"));
release(column);
release(tensor);
closeLoan(loan);
assert.throws(() => asTensor(describe(numbers, [-1, 3]), null), /-1/);
assert.strictEqual(structuredClone(numbers.buffer, { transfer: [numbers.buffer] }).byteLength, 24);
assert.strictEqual(numbers.length, 0);
console.log(`Node.js: a typed array was borrowed, written through both ways, and given back (${busy})`);
