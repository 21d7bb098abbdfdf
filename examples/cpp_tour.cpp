// A tour of the C++ wrapper, on a real data set: 1797 handwritten digits, read from a file and never copied.
//
//     cpp_tour path/to/digits.npy
#include "astensor/astensor.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace at = astensor;

// Stops when something that is claimed does not hold.
static void hold(bool condition, const char *claim) {
    if (condition) return;
    std::fprintf(stderr, "not so: %s\n", claim);
    std::exit(1);
}

static std::vector<unsigned char> read_file(const char *path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    hold(bytes.size() > 128 && std::memcmp(bytes.data(), "\x93NUMPY", 6) == 0, "this is a .npy file");
    return bytes;
}

// Owning: the file's bytes move into the tensor's keeping, and live as long as the last view of them.
static at::tensor load(const char *path) {
    std::vector<unsigned char> bytes = read_file(path);
    const auto header = static_cast<std::int64_t>(10 + bytes[8] + 256 * bytes[9]);
    return at::as_tensor(std::move(bytes))(at::slice(header, at::none)).reshape({-1, 8, 8}, at::copy_mode::never);
}

// Looking: a digit is a view, its rows are views, and a row's pixels are bytes of the file.
static void draw(const at::tensor &digit) {
    for (const at::tensor row : digit) {
        for (unsigned char pixel : row.as_range<unsigned char>()) std::printf("%c%c", " .:-=+*#%"[pixel / 2], ' ');
        std::printf("\n");
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: cpp_tour digits.npy\n");
        return 2;
    }
    try {
        const at::tensor digits = load(argv[1]);
        std::printf("%lld digits of %lld x %lld, %s\n", static_cast<long long>(digits.size(0)),
                    static_cast<long long>(digits.size(1)), static_cast<long long>(digits.size(2)),
                    digits.dtype().name().c_str());
        draw(digits[0]);

        std::printf("the same, turned and halved:\n");
        draw(digits[0].transpose(0, 1).flip(1)(at::slice(at::none, at::none, 2), at::all));

        // Converting: batches of pixels as float32, channels last, in one pass. The library says why it copied.
        const at::tensor batch = digits(at::slice(16)).permute({1, 2, 0}).to(at::options(at::float32).contiguous());
        hold(batch.origin().action == TENSOR_ACTION_COPY, "a conversion copies");
        hold((batch.origin().reasons & TENSOR_REASON_DTYPE) != 0, "and says why");
        std::printf("a batch of %lld bytes\n", static_cast<long long>(batch.nbytes()));

        // Writing: through a view, into memory of the program's own.
        std::vector<float> mean(64, 0.0f);
        const at::tensor image = at::as_tensor(mean).reshape({8, 8});
        for (const at::tensor &digit : digits) {
            const at::tensor numbers = digit.to(at::float32).reshape(64);
            for (std::size_t i = 0; i < mean.size(); i++) mean[i] += numbers.data<float>()[i];
        }
        for (float &sum : mean) sum /= static_cast<float>(digits.size(0));
        std::printf("the mean of them:\n");
        draw(image.to(at::uint8));

        // Sharing: any library that speaks DLPack takes this, and gives it back with its deleter.
        at::dlpack shared = digits.to_dlpack();
        hold(shared->dl_tensor.data == digits.view()->data, "an export is the same memory");
        const at::tensor returned = at::from_dlpack(std::move(shared));
        hold(returned.shares_memory(digits), "and so is an import");

        // Failing: an error says what is wrong with which value.
        static_cast<void>(digits[2000]);
    } catch (const at::error &error) {
        std::printf("%s: %s\n", error.status_name(), error.what());
        return error.status() == TENSOR_ERROR_INDEX ? 0 : 1;
    }
    return 1;
}
