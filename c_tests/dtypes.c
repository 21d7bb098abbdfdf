/* Dtypes: names both ways, casting rules and promotion, each against a table written out by hand. */
#include "check.h"

static DLDataType named(const char *name)
{
    DLDataType dtype;
    CHECK_OK(tensor_dtype_from_name(name, &dtype));
    return dtype;
}

static void names(void)
{
    static const struct {
        const char *name;
        DLDataType dtype;
    } known[] = {
        {"bool", {kDLBool, 8, 1}}, {"int1", {kDLInt, 1, 1}}, {"int2", {kDLInt, 2, 1}}, {"int4", {kDLInt, 4, 1}},
        {"int8", {kDLInt, 8, 1}}, {"int16", {kDLInt, 16, 1}}, {"int32", {kDLInt, 32, 1}}, {"int64", {kDLInt, 64, 1}},
        {"uint1", {kDLUInt, 1, 1}}, {"uint2", {kDLUInt, 2, 1}}, {"uint4", {kDLUInt, 4, 1}}, {"uint8", {kDLUInt, 8, 1}},
        {"uint16", {kDLUInt, 16, 1}}, {"uint32", {kDLUInt, 32, 1}}, {"uint64", {kDLUInt, 64, 1}},
        {"float16", {kDLFloat, 16, 1}}, {"bfloat16", {kDLBfloat, 16, 1}}, {"float32", {kDLFloat, 32, 1}},
        {"float64", {kDLFloat, 64, 1}}, {"complex32", {kDLComplex, 32, 1}}, {"complex64", {kDLComplex, 64, 1}},
        {"complex128", {kDLComplex, 128, 1}}, {"float8_e3m4", {kDLFloat8_e3m4, 8, 1}},
        {"float8_e4m3", {kDLFloat8_e4m3, 8, 1}}, {"float8_e4m3b11fnuz", {kDLFloat8_e4m3b11fnuz, 8, 1}},
        {"float8_e4m3fn", {kDLFloat8_e4m3fn, 8, 1}}, {"float8_e4m3fnuz", {kDLFloat8_e4m3fnuz, 8, 1}},
        {"float8_e5m2", {kDLFloat8_e5m2, 8, 1}}, {"float8_e5m2fnuz", {kDLFloat8_e5m2fnuz, 8, 1}},
        {"float8_e8m0fnu", {kDLFloat8_e8m0fnu, 8, 1}}, {"float6_e2m3fn", {kDLFloat6_e2m3fn, 6, 1}},
        {"float6_e3m2fn", {kDLFloat6_e3m2fn, 6, 1}}, {"float4_e2m1fn", {kDLFloat4_e2m1fn, 4, 1}},
        {"opaque64", {kDLOpaqueHandle, 64, 1}}, {"float4_e2m1fnx2", {kDLFloat4_e2m1fn, 4, 2}},
        {"int8x65535", {kDLInt, 8, 65535}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char buffer[32];
        size_t needed = 0;
        DLDataType found;
        CHECK_OK(tensor_dtype_name(&known[i].dtype, buffer, sizeof buffer, &needed));
        CHECK(strcmp(buffer, known[i].name) == 0 && needed == strlen(buffer) + 1);
        CHECK_OK(tensor_dtype_from_name(known[i].name, &found));
        CHECK(memcmp(&found, &known[i].dtype, sizeof found) == 0);
    }
    char small[4] = "zzz";
    size_t needed = 0;
    DLDataType f32 = DTYPE_F32, unknown = {99, 8, 1}, found = DTYPE_F32;
    CHECK_OK(tensor_dtype_name(&f32, small, sizeof small, &needed));
    CHECK(strcmp(small, "flo") == 0 && needed == 8);
    CHECK_OK(tensor_dtype_name(&f32, NULL, 0, &needed));
    CHECK(needed == 8);
    CHECK_OK(tensor_dtype_name(&f32, small, sizeof small, NULL));
    CHECK_STATUS(tensor_dtype_name(&f32, NULL, 4, &needed), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_dtype_name(NULL, small, 4, &needed), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_dtype_name(&unknown, small, 4, &needed), TENSOR_ERROR_DTYPE);
    CHECK(small[0] == 0 && needed == 0);
    static const char *const wrong[] = {"", "float", "f32", "float32 ", "float32x0", "float32x1", "float32x65536",
                                        "a name that is much longer than any name of a dtype could be"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_STATUS(tensor_dtype_from_name(wrong[i], &found), TENSOR_ERROR_DTYPE);
        CHECK(found.lanes == 0);
    }
    CHECK_STATUS(tensor_dtype_from_name(NULL, &found), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_dtype_from_name("bool", NULL), TENSOR_ERROR_NULL);
}

static void casting(void)
{
    /* For each pair: the strictest of safe 's', same-kind 'k', unsafe '-' that allows it. Rows from, columns to, as NumPy
     * has it for the dtypes that NumPy has. */
    static const char *const dtypes[] = {"bool",   "uint8",   "uint16",  "uint32",  "uint64",    "int8",      "int16",
                                         "int32",  "int64",   "float16", "float32", "float64",   "complex64", "complex128"};
    static const char *const table[] = {
        "ssssssssssssss", /* bool */
        "-sssskssssssss", /* uint8 */
        "-kssskksskssss", /* uint16 */
        "-kksskkkskksks", /* uint32 */
        "-kkkskkkkkksks", /* uint64 */
        "-----sssssssss", /* int8 */
        "-----kssskssss", /* int16 */
        "-----kksskksks", /* int32 */
        "-----kkkskksks", /* int64 */
        "---------sssss", /* float16 */
        "---------kssss", /* float32 */
        "---------kksks", /* float64 */
        "------------ss", /* complex64 */
        "------------ks", /* complex128 */
    };
    for (int i = 0; i < 14; i++) {
        for (int j = 0; j < 14; j++) {
            DLDataType from = named(dtypes[i]), to = named(dtypes[j]);
            bool safe, same_kind, anyhow, equiv, exact;
            CHECK_OK(tensor_can_cast(&from, &to, TENSOR_CASTING_SAFE, &safe));
            CHECK_OK(tensor_can_cast(&from, &to, TENSOR_CASTING_SAME_KIND, &same_kind));
            CHECK_OK(tensor_can_cast(&from, &to, TENSOR_CASTING_UNSAFE, &anyhow));
            CHECK_OK(tensor_can_cast(&from, &to, TENSOR_CASTING_EQUIV, &equiv));
            CHECK_OK(tensor_can_cast(&from, &to, TENSOR_CASTING_EXACT, &exact));
            char found = safe ? 's' : same_kind ? 'k' : '-';
            if (found != table[i][j]) {
                fprintf(stderr, "%s -> %s: %c\n", dtypes[i], dtypes[j], found);
            }
            CHECK(found == table[i][j]);
            CHECK(anyhow && exact && equiv == (i == j) && (!safe || same_kind));
        }
    }
    DLDataType opaque = {kDLOpaqueHandle, 64, 1}, f32 = DTYPE_F32, two = {kDLFloat, 32, 2}, unknown = {77, 1, 1};
    bool allowed = true;
    CHECK_OK(tensor_can_cast(&opaque, &f32, TENSOR_CASTING_UNSAFE, &allowed));
    CHECK(!allowed);
    CHECK_OK(tensor_can_cast(&opaque, &opaque, TENSOR_CASTING_EQUIV, &allowed));
    CHECK(allowed);
    CHECK_OK(tensor_can_cast(&two, &f32, TENSOR_CASTING_UNSAFE, &allowed));
    CHECK(!allowed);
    CHECK_STATUS(tensor_can_cast(&unknown, &f32, TENSOR_CASTING_UNSAFE, &allowed), TENSOR_ERROR_DTYPE);
    CHECK_STATUS(tensor_can_cast(&f32, &f32, 7, &allowed), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_can_cast(&f32, NULL, 0, &allowed), TENSOR_ERROR_NULL);
}

static void promotion(void)
{
    static const char *const table[][3] = {
        {"bool", "bool", "bool"}, {"bool", "uint8", "uint8"}, {"bool", "float16", "float16"},
        {"uint8", "uint16", "uint16"}, {"uint8", "int8", "int16"}, {"uint16", "int8", "int32"},
        {"uint32", "int64", "int64"}, {"uint32", "int32", "int64"}, {"uint4", "int4", "int8"},
        {"int8", "int64", "int64"}, {"int64", "float16", "float16"}, {"uint64", "float32", "float32"},
        {"int64", "bfloat16", "bfloat16"}, {"int64", "complex64", "complex64"}, {"float16", "bfloat16", "float32"},
        {"float16", "float32", "float32"}, {"float32", "float64", "float64"},
        {"float8_e4m3fn", "float8_e5m2", "float16"}, {"float8_e4m3fn", "float16", "float16"},
        {"float8_e8m0fnu", "float8_e4m3fn", "bfloat16"}, {"float64", "complex64", "complex128"},
        {"float16", "complex64", "complex64"}, {"complex64", "complex128", "complex128"},
        {"float32", "complex32", "complex64"}, {"float4_e2m1fn", "float6_e2m3fn", "float16"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        DLDataType a = named(table[i][0]), b = named(table[i][1]), expected = named(table[i][2]), found;
        CHECK_OK(tensor_promote(&a, &b, &found));
        CHECK(memcmp(&found, &expected, sizeof found) == 0);
        CHECK_OK(tensor_promote(&b, &a, &found));
        CHECK(memcmp(&found, &expected, sizeof found) == 0);
    }
    DLDataType u64 = named("uint64"), i8 = DTYPE_I8, two = {kDLInt, 8, 2}, opaque = {kDLOpaqueHandle, 64, 1}, found;
    CHECK_STATUS(tensor_promote(&u64, &i8, &found), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("uint64");
    CHECK(found.lanes == 0);
    CHECK_STATUS(tensor_promote(&two, &i8, &found), TENSOR_ERROR_DTYPE);
    CHECK_STATUS(tensor_promote(&opaque, &i8, &found), TENSOR_ERROR_DTYPE);
    CHECK_STATUS(tensor_promote(NULL, &i8, &found), TENSOR_ERROR_NULL);
}

int main(void)
{
    names();
    casting();
    promotion();
    return check_result();
}
