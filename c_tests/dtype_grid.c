/* Dtypes, all pairs: "safe" against converting every value exactly, and promotion against the rules it is defined by. */
#include "check.h"

static const char *const names[] = {
    "bool", "int1", "int2", "int4", "int8", "int16", "int32", "int64", "uint1", "uint2", "uint4", "uint8", "uint16", "uint32",
    "uint64", "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128", "float8_e3m4",
    "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"};
enum { COUNT = sizeof names / sizeof *names };

static DLDataType dtypes[COUNT];

static int kind(DLDataType d)
{
    switch (d.code) {
    case kDLBool: return 0;
    case kDLUInt: return 1;
    case kDLInt: return 2;
    case kDLComplex: return 4;
    default: return 3;
    }
}

static bool can(int from, int to, int32_t rule)
{
    bool answer = false;
    CHECK_OK(tensor_can_cast(&dtypes[from], &dtypes[to], rule, &answer));
    return answer;
}

static void safe_means_every_value_survives(void)
{
    static uint8_t bytes[1 << 17];
    for (int i = 0; i < COUNT; i++) {
        int bits = dtypes[i].bits;
        if (bits > 16 || dtypes[i].code == kDLBool) {
            continue;
        }
        /* Every pattern, packed. */
        memset(bytes, 0, sizeof bytes);
        for (int64_t v = 0; v < (int64_t)1 << bits; v++) {
            for (int b = 0; b < bits; b++) {
                int64_t at = v * bits + b;
                bytes[at / 8] = (uint8_t)(bytes[at / 8] | (v >> b & 1) << (at % 8));
            }
        }
        int64_t shape[1] = {(int64_t)1 << bits};
        DLTensor data = describe(bytes, dtypes[i], 1, shape, NULL);
        for (int j = 0; j < COUNT; j++) {
            tensor_options_t options = default_options();
            tensor_t *copy = NULL;
            options.dtype = &dtypes[j];
            options.casting = TENSOR_CASTING_EXACT;
            tensor_status_t status = tensor_copy(&data, &options, &copy);
            CHECK(status == TENSOR_OK || status == TENSOR_ERROR_INEXACT);
            tensor_release(copy);
            bool safe = can(i, j, TENSOR_CASTING_SAFE);
            if (safe != (status == TENSOR_OK)) {
            }
            /* What is called safe may never lose a value; the reverse may fail where a kind goes down. */
            CHECK(!safe || status == TENSOR_OK);
            CHECK(safe || status != TENSOR_OK || kind(dtypes[j]) < kind(dtypes[i]));
        }
    }
}

static void casting_rules_nest(void)
{
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            bool equiv = can(i, j, TENSOR_CASTING_EQUIV), safe = can(i, j, TENSOR_CASTING_SAFE);
            bool same_kind = can(i, j, TENSOR_CASTING_SAME_KIND), anyhow = can(i, j, TENSOR_CASTING_UNSAFE);
            CHECK(equiv == (i == j));
            CHECK((!equiv || safe) && (!safe || same_kind) && anyhow);
            if (same_kind != (kind(dtypes[i]) <= kind(dtypes[j]))) {
                fprintf(stderr, "  same_kind %s -> %s is %d\n", names[i], names[j], same_kind);
            }
            CHECK(same_kind == (kind(dtypes[i]) <= kind(dtypes[j])));
            for (int k = 0; k < COUNT; k++) {
                /* Safe is transitive, but for the 64-bit integers that NumPy lets go to float64. */
                if (safe && can(j, k, TENSOR_CASTING_SAFE) && dtypes[i].bits != 64) {
                    CHECK(can(i, k, TENSOR_CASTING_SAFE));
                }
            }
        }
    }
}

static void promotion(void)
{
    static const char *const floats[] = {"float16", "bfloat16", "float32", "float64"};
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            DLDataType found, reverse;
            tensor_status_t status = tensor_promote(&dtypes[i], &dtypes[j], &found);
            CHECK(tensor_promote(&dtypes[j], &dtypes[i], &reverse) == status);
            CHECK(memcmp(&found, &reverse, sizeof found) == 0);
            int a = kind(dtypes[i]), b = kind(dtypes[j]), high = a > b ? a : b;
            int none = (strcmp(names[i], "uint64") == 0 && b == 2) || (strcmp(names[j], "uint64") == 0 && a == 2);
            CHECK(status == (none ? TENSOR_ERROR_DTYPE : TENSOR_OK));
            if (none) {
                continue;
            }
            if (i == j) {
                CHECK(memcmp(&found, &dtypes[i], sizeof found) == 0);
                continue;
            }
            CHECK(kind(found) == high);
            if (a == 3 && b == 3) {
                int best = -1;
                for (int f = 0; f < 4 && best < 0; f++) {
                    DLDataType to;
                    bool one = false, two = false;
                    CHECK_OK(tensor_dtype_from_name(floats[f], &to));
                    CHECK_OK(tensor_can_cast(&dtypes[i], &to, TENSOR_CASTING_SAFE, &one));
                    CHECK_OK(tensor_can_cast(&dtypes[j], &to, TENSOR_CASTING_SAFE, &two));
                    best = one && two ? f : -1;
                    if (best == f && memcmp(&to, &found, sizeof to) != 0) {
                        char text[32];
                        CHECK_OK(tensor_dtype_name(&found, text, sizeof text, NULL));
                        fprintf(stderr, "  promote %s, %s: %s, not %s\n", names[i], names[j], text, floats[f]);
                        CHECK(0);
                    }
                }
            } else if (a <= 2 && b <= 2 && a * b > 0) {
                bool one = false, two = false;
                CHECK_OK(tensor_can_cast(&dtypes[i], &found, TENSOR_CASTING_SAFE, &one));
                CHECK_OK(tensor_can_cast(&dtypes[j], &found, TENSOR_CASTING_SAFE, &two));
                if (!(one && two)) {
                    char text[32];
                    CHECK_OK(tensor_dtype_name(&found, text, sizeof text, NULL));
                    fprintf(stderr, "  promote %s, %s: %s does not hold both\n", names[i], names[j], text);
                }
                CHECK(one && two);
            } else if (a != b && high == 3) {
                CHECK(memcmp(&found, a == 3 ? &dtypes[i] : &dtypes[j], sizeof found) == 0);
            }
        }
    }
}

int main(void)
{
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(tensor_dtype_from_name(names[i], &dtypes[i]));
    }
    safe_means_every_value_survives();
    casting_rules_nest();
    promotion();
    return check_result();
}
