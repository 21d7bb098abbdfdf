/*
 * The DLPack 1.3 types, so that astensor.h needs no other file.
 *
 * Names, values and layout are those of the DLPack standard. The official dlpack.h may be included before or after this
 * file, in any version from 0.6 on: there is then one set of types, and what an older version lacks is added here.
 */
#ifndef ASTENSOR_DLPACK_TYPES_H
#define ASTENSOR_DLPACK_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef DLPACK_DLPACK_H_

/* The official header came first. Constants it may lack become macros: an enumerator of the same name is not declared
 * twice, and its value is the same. */

#ifndef DLPACK_MAJOR_VERSION
/* Before 1.0 there was one version number, 60 for 0.6. */
#if DLPACK_VERSION < 70
#define kDLOneAPI 14
#define kDLWebGPU 15
#define kDLHexagon 16
#endif
#if DLPACK_VERSION < 80
#define kDLBool 6U
#endif
#define kDLMAIA 17
#define ASTENSOR_DLPACK_ADD_VERSIONED
#define ASTENSOR_DLPACK_ADD_SMALL_FLOATS
#define ASTENSOR_DLPACK_ADD_TRN
#elif DLPACK_MAJOR_VERSION == 1
#if DLPACK_MINOR_VERSION < 1
#define ASTENSOR_DLPACK_ADD_SMALL_FLOATS
#endif
#if DLPACK_MINOR_VERSION < 2
#define ASTENSOR_DLPACK_ADD_TRN
#endif
#else
#error "astensor needs DLPack 0.6 to 1.x"
#endif

#ifdef ASTENSOR_DLPACK_ADD_SMALL_FLOATS
#define kDLFloat8_e3m4 7U
#define kDLFloat8_e4m3 8U
#define kDLFloat8_e4m3b11fnuz 9U
#define kDLFloat8_e4m3fn 10U
#define kDLFloat8_e4m3fnuz 11U
#define kDLFloat8_e5m2 12U
#define kDLFloat8_e5m2fnuz 13U
#define kDLFloat8_e8m0fnu 14U
#define kDLFloat6_e2m3fn 15U
#define kDLFloat6_e3m2fn 16U
#define kDLFloat4_e2m1fn 17U
#undef ASTENSOR_DLPACK_ADD_SMALL_FLOATS
#endif

#ifdef ASTENSOR_DLPACK_ADD_TRN
#define kDLTrn 18
#undef ASTENSOR_DLPACK_ADD_TRN
#endif

#else

/* The official header is not there, and adds nothing should it come later. */
#define DLPACK_DLPACK_H_

#ifdef __cplusplus
#define DLPACK_EXTERN_C extern "C"
#else
#define DLPACK_EXTERN_C
#endif

#ifndef DLPACK_DLL
#define DLPACK_DLL
#endif

#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION 3

#define ASTENSOR_DLPACK_ADD_VERSIONED
#define ASTENSOR_DLPACK_ADD_EXCHANGE

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of device. */
#ifdef __cplusplus
typedef enum : int32_t {
#else
typedef enum {
#endif
    /** Memory of the processor. */
    kDLCPU = 1,
    /** CUDA device memory. */
    kDLCUDA = 2,
    /** Page-locked processor memory, from cudaMallocHost. */
    kDLCUDAHost = 3,
    /** OpenCL: `data` is a handle. */
    kDLOpenCL = 4,
    /** Vulkan: `data` is a handle. */
    kDLVulkan = 7,
    /** Metal: `data` is a handle. */
    kDLMetal = 8,
    /** Verilog simulator buffer. */
    kDLVPI = 9,
    /** ROCm device memory. */
    kDLROCM = 10,
    /** Page-locked processor memory, from hipMallocHost. */
    kDLROCMHost = 11,
    /** For trying out devices that are not listed. */
    kDLExtDev = 12,
    /** Memory that both sides reach, from cudaMallocManaged. */
    kDLCUDAManaged = 13,
    /** oneAPI unified shared memory. */
    kDLOneAPI = 14,
    /** WebGPU: `data` is a handle. */
    kDLWebGPU = 15,
    /** Qualcomm Hexagon. */
    kDLHexagon = 16,
    /** Microsoft MAIA. */
    kDLMAIA = 17,
    /** AWS Trainium. */
    kDLTrn = 18
} DLDeviceType;

/** A device. */
typedef struct {
    /** Its kind. */
    DLDeviceType device_type;
    /** Its number among those of its kind; 0 for processor memory. */
    int32_t device_id;
} DLDevice;

/** Kinds of element. */
typedef enum {
    /** Signed integer, two's complement. */
    kDLInt = 0U,
    /** Unsigned integer. */
    kDLUInt = 1U,
    /** IEEE 754 binary floating point. */
    kDLFloat = 2U,
    /** Bits without arithmetic meaning. */
    kDLOpaqueHandle = 3U,
    /** bfloat16. */
    kDLBfloat = 4U,
    /** Complex: two IEEE 754 numbers, real part first; `bits` is both together. */
    kDLComplex = 5U,
    /** Truth value, 8 bits. */
    kDLBool = 6U,
    /** 8-bit floating point; `bits` must be 8. */
    kDLFloat8_e3m4 = 7U,
    kDLFloat8_e4m3 = 8U,
    kDLFloat8_e4m3b11fnuz = 9U,
    kDLFloat8_e4m3fn = 10U,
    kDLFloat8_e4m3fnuz = 11U,
    kDLFloat8_e5m2 = 12U,
    kDLFloat8_e5m2fnuz = 13U,
    kDLFloat8_e8m0fnu = 14U,
    /** 6-bit floating point; `bits` must be 6. */
    kDLFloat6_e2m3fn = 15U,
    kDLFloat6_e3m2fn = 16U,
    /** 4-bit floating point; `bits` must be 4. */
    kDLFloat4_e2m1fn = 17U
} DLDataTypeCode;

/** Type of an element: float32 is {kDLFloat, 32, 1}. */
typedef struct {
    /** A DLDataTypeCode. */
    uint8_t code;
    /** Bits of one lane. */
    uint8_t bits;
    /** Lanes of a vector; 1 for a scalar. */
    uint16_t lanes;
} DLDataType;

/** Memory described as a tensor. Owns nothing. */
typedef struct {
    /** Start of the memory, or a handle to it. */
    void *data;
    /** Where it is. */
    DLDevice device;
    /** Number of dimensions. */
    int32_t ndim;
    /** Type of the elements. */
    DLDataType dtype;
    /** `ndim` sizes; may be NULL if `ndim` is 0. */
    int64_t *shape;
    /** `ndim` strides, counted in elements. NULL, for row-major, up to DLPack 1.1. */
    int64_t *strides;
    /** Bytes from `data` to the first element. */
    uint64_t byte_offset;
} DLTensor;

/** A tensor and how to release it, as it was before DLPack 1.0. */
typedef struct DLManagedTensor {
    /** The tensor. */
    DLTensor dl_tensor;
    /** The producer's own. */
    void *manager_ctx;
    /** Releases the tensor and this struct; NULL: nothing is to be called. */
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

#ifdef __cplusplus
}
#endif

#endif /* DLPACK_DLPACK_H_ */

/** DLManagedTensorVersioned.flags: the memory must not be written. */
#ifndef DLPACK_FLAG_BITMASK_READ_ONLY
#define DLPACK_FLAG_BITMASK_READ_ONLY (1UL << 0UL)
#endif

/** DLManagedTensorVersioned.flags: the memory is a copy, and the consumer its only holder. */
#ifndef DLPACK_FLAG_BITMASK_IS_COPIED
#define DLPACK_FLAG_BITMASK_IS_COPIED (1UL << 1UL)
#endif

/** DLManagedTensorVersioned.flags: elements smaller than a byte take one byte each. */
#ifndef DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED
#define DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED (1UL << 2UL)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef ASTENSOR_DLPACK_ADD_VERSIONED

/** Version of a struct of DLPack. */
typedef struct {
    /** Raised when the layout changes. */
    uint32_t major;
    /** Raised when constants are added. */
    uint32_t minor;
} DLPackVersion;

/** A tensor and how to release it. Of another major version only `version`, `manager_ctx`, `deleter`, `flags` are known. */
typedef struct DLManagedTensorVersioned {
    /** Version of this struct. */
    DLPackVersion version;
    /** The producer's own. */
    void *manager_ctx;
    /** Releases the tensor and this struct; NULL: nothing is to be called. */
    void (*deleter)(struct DLManagedTensorVersioned *self);
    /** DLPACK_FLAG_BITMASK_ bits. */
    uint64_t flags;
    /** The tensor. */
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

#undef ASTENSOR_DLPACK_ADD_VERSIONED
#endif

#ifdef ASTENSOR_DLPACK_ADD_EXCHANGE

/* The exchange of tensors between Python packages by function pointers, since DLPack 1.2. astensor.h uses none of it; it
 * is here because an official dlpack.h that comes later adds nothing. */

/** Makes a tensor like `prototype`. Returns 0, or -1 after calling `SetError`. */
typedef int (*DLPackManagedTensorAllocator)(DLTensor *prototype, DLManagedTensorVersioned **out, void *error_ctx,
                                            void (*SetError)(void *error_ctx, const char *kind, const char *message));

/** Exports a Python object without ordering streams. */
typedef int (*DLPackManagedTensorFromPyObjectNoSync)(void *py_object, DLManagedTensorVersioned **out);

/** Describes a Python object without owning it or ordering streams. */
typedef int (*DLPackDLTensorFromPyObjectNoSync)(void *py_object, DLTensor *out);

/** Finds the stream that work on a device goes to. */
typedef int (*DLPackCurrentWorkStream)(DLDeviceType device_type, int32_t device_id, void **out_current_stream);

/** Makes a Python object of a tensor, which it takes over. */
typedef int (*DLPackManagedTensorToPyObjectNoSync)(DLManagedTensorVersioned *tensor, void **out_py_object);

/** What all versions of DLPackExchangeAPI begin with. */
typedef struct DLPackExchangeAPIHeader {
    /** Version of the struct. */
    DLPackVersion version;
    /** The same for an older major version, or NULL. */
    struct DLPackExchangeAPIHeader *prev_api;
} DLPackExchangeAPIHeader;

/** The functions a Python package offers. */
typedef struct DLPackExchangeAPI {
    DLPackExchangeAPIHeader header;
    DLPackManagedTensorAllocator managed_tensor_allocator;
    DLPackManagedTensorFromPyObjectNoSync managed_tensor_from_py_object_no_sync;
    DLPackManagedTensorToPyObjectNoSync managed_tensor_to_py_object_no_sync;
    DLPackDLTensorFromPyObjectNoSync dltensor_from_py_object_no_sync;
    DLPackCurrentWorkStream current_work_stream;
} DLPackExchangeAPI;

#undef ASTENSOR_DLPACK_ADD_EXCHANGE
#endif

#ifdef __cplusplus
}
#endif

#endif /* ASTENSOR_DLPACK_TYPES_H */
