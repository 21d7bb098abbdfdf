-- A LuaJIT array as a tensor, without copying it:
--     luajit lend.lua path/to/libastensor.so
--
-- The rule of LuaJIT: memory of ffi.new() never moves, but it is collected when no Lua value refers to it any more, and a
-- pointer that C holds is no reference. So the array is kept in a variable until the tensor is released, and the loan,
-- which is closed before, proves that nobody in C has it any more. Memory that C should own in the end comes from C.
local ffi = require("ffi")

ffi.cdef [[
typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;
typedef struct {
    void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape; int64_t *strides; uint64_t byte_offset;
} DLTensor;
typedef struct tensor_t tensor_t;
typedef struct tensor_loan_t tensor_loan_t;
typedef struct {
    uint32_t struct_size; uint32_t flags; const DLDataType *dtype; const DLDevice *device;
    int32_t copy; int32_t casting; int32_t overflow; int32_t reserved;
    size_t alignment; size_t nbytes; tensor_loan_t *loan; void (*deleter)(void *); void *deleter_ctx;
} tensor_options_t;

const char *tensor_last_error(void);
int32_t tensor_loan_open(void *data, size_t nbytes, uint32_t flags, tensor_loan_t **out);
int32_t tensor_loan_close(tensor_loan_t *loan);
int32_t tensor_as_tensor(const DLTensor *data, const tensor_options_t *options, tensor_t **out);
int32_t tensor_select(tensor_t *tensor, int32_t dim, int64_t index, tensor_t **out);
int32_t tensor_copy_into(tensor_t *destination, const DLTensor *source, const tensor_options_t *options);
int32_t tensor_format(const tensor_t *tensor, const void *options, char *buffer, size_t capacity, size_t *needed);
int32_t tensor_pin(tensor_t *tensor, uint32_t access, const DLTensor **out);
int32_t tensor_unpin(tensor_t *tensor);
void tensor_release(tensor_t *tensor);
]]

local astensor = ffi.load(arg[1])

local function check(status)
    if status ~= 0 then error(ffi.string(astensor.tensor_last_error()), 2) end
end

-- A handle that Lua releases, with the collection at the latest.
local function made(call, ...)
    local out = ffi.new("tensor_t *[1]")
    local count, arguments = select("#", ...), { ... }
    arguments[count + 1] = out
    check(call(unpack(arguments, 1, count + 1)))
    return ffi.gc(out[0], astensor.tensor_release)
end

local function release(tensor) astensor.tensor_release(ffi.gc(tensor, nil)) end

local function text(tensor)
    local buffer = ffi.new("char[256]")
    check(astensor.tensor_format(tensor, nil, buffer, 256, nil))
    return ffi.string(buffer)
end

local numbers = ffi.new("float[6]", 1, 2, 3, 4, 5, 6)
local lent = ffi.new("tensor_loan_t *[1]")
check(astensor.tensor_loan_open(numbers, ffi.sizeof(numbers), 0, lent))

-- The descriptor and its shape are copied in, so they may be collected when the call has returned.
local shape = ffi.new("int64_t[2]", 2, 3)
local description = ffi.new("DLTensor",
    { data = numbers, device = { 1, 0 }, ndim = 2, dtype = { 2, 32, 1 }, shape = shape })
local options = ffi.new("tensor_options_t", { struct_size = ffi.sizeof("tensor_options_t"), loan = lent[0] })
local tensor = made(astensor.tensor_as_tensor, description, options)
local column = made(astensor.tensor_select, tensor, 1, -1)

-- The same memory, not memory with the same in it. A pin shows it for a while.
local pinned = ffi.new("const DLTensor *[1]")
check(astensor.tensor_pin(tensor, 1, pinned))
assert(pinned[0].data == ffi.cast("void *", numbers))
check(astensor.tensor_unpin(tensor))
-- Lua writes, the tensor shows it.
numbers[2] = 30
assert(text(column) == "tensor([30.,  6.])", text(column))
-- The tensor is written, Lua reads it.
local zero = ffi.new("float[1]")
check(astensor.tensor_copy_into(column,
    ffi.new("DLTensor", { data = zero, device = { 1, 0 }, ndim = 0, dtype = { 2, 32, 1 } }), nil))
assert(numbers[2] == 0 and numbers[5] == 0 and numbers[4] == 5)
collectgarbage()
assert(numbers[4] == 5 and text(tensor) == "tensor([[1., 2., 0.],\n        [4., 5., 0.]])", text(tensor))

-- Not before both handles are gone is the memory Lua's alone again.
assert(astensor.tensor_loan_close(lent[0]) ~= 0)
local busy = ffi.string(astensor.tensor_last_error())
assert(busy:find("1 tensor, 1 view"), busy)
release(column)
release(tensor)
check(astensor.tensor_loan_close(lent[0]))
-- What cannot be is an error of Lua's.
shape[0] = -1
local fine, message = pcall(made, astensor.tensor_as_tensor, description, nil)
assert(not fine and message:find("-1"), message)
print("LuaJIT: a cdata array was borrowed, written through both ways, and given back (" .. busy .. ")")
